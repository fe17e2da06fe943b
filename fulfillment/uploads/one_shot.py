"""Taking a file in with one request: from a raw body or from the parts of a form. Built on the same entry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict

from fulfillment.models import Batch, SourceFile
from fulfillment.uploads import names, pressure, rights, staging
from fulfillment.uploads.body import Body, Checksum, Interrupted
from fulfillment.uploads.ledger_entry import take_in
from getdata.accounts.models import User
from getdata.common.problems import CannotDo

#: What a form adds around its files.
_FORM_OVERHEAD = 1024**2


@dataclass(frozen=True)
class Taken:
    """What became of one file: ``file`` and whether it is ``new``, or the ``refusal``. ``name`` as the sender said."""

    name: str
    file: SourceFile | None
    new: bool
    refusal: CannotDo | None = None


@dataclass
class Staged:
    """A part of a form that is on disk, or why it is not."""

    raw_name: str
    staged: str
    size: int = 0
    sha256: str = ""
    refusal: CannotDo | None = None

    def close(self) -> None:
        """Django's parser closes what it has after an error; ours is closed once it is written."""


def receive_file(*, batch: Batch, actor: User, name: str, body: Body, checksum: Checksum | None = None) -> Taken:
    """Take in one file from a raw body.

    A body without Content-Length needs a checksum: a broken connection would otherwise look like the end of the file.
    Raises ``CannotDo``.
    """
    rights.require_may_add_files(actor, batch)
    name = names.clean_relative_path(name)
    pressure.require_room(batch, body.announced or 0)
    if body.announced is not None:
        rights.require_length(body.announced, name)
    elif checksum is None:
        raise CannotDo(
            "The length of the file is not known, so that a broken connection would look like its end.",
            remedy="Send Content-Length, or Upload-Checksum with the SHA-256 of the file, or use a resumable upload.",
            code="length_required",
        )
    staged, total, size = staging.create(), hashlib.sha256(), 0
    try:
        with staging.writing(staged) as handle:
            for block in body.blocks():
                size += len(block)
                if size > settings.MAX_UPLOAD_BYTES:
                    rights.require_length(size, name)
                staging.write_all(handle, block)
                total.update(block)
                if checksum is not None:
                    checksum.update(block)
            rights.require_length(size, name)
            if checksum is not None and not checksum.matches():
                raise CannotDo(
                    "The file was damaged on its way: its checksum does not match.",
                    remedy="Send it again.",
                    code="checksum_mismatch",
                )
            staging.make_durable(handle)
    except Interrupted as error:
        staging.discard(staged)
        raise CannotDo(
            "The connection broke off before the file was complete.", remedy="Send it again.", code="interrupted"
        ) from error
    except BaseException:
        staging.discard(staged)
        raise
    file, new = take_in(batch=batch, name=name, staged=staged, size=size, sha256=total.hexdigest(), actor=actor)
    return Taken(name, file, new)


def receive_form(*, batch: Batch, actor: User, files: MultiValueDict[str, Any]) -> list[Taken]:
    """Take in the staged parts of a parsed form, each on its own: one refusal does not stop the others."""
    waiting = list(_parts(files))
    try:
        rights.require_may_add_files(actor, batch)
        return [_take_part(batch, actor, waiting.pop(0)) for _ in range(len(waiting))]
    finally:
        for part in waiting:  # a refusal of the whole, or an outage: what was not entered does not stay in the clear
            staging.discard(part.staged)


def discard_form(files: MultiValueDict[str, Any]) -> None:
    """Remove the staged parts of a form that is not to be taken."""
    for part in _parts(files):
        staging.discard(part.staged)


def _parts(files: MultiValueDict[str, Any]) -> Iterator[Staged]:
    for _, parts in files.lists():
        yield from (part for part in parts if isinstance(part, Staged))


def _take_part(batch: Batch, actor: User, part: Staged) -> Taken:
    try:
        if part.refusal is not None:
            raise part.refusal
        name = names.clean_relative_path(part.raw_name)
        rights.require_length(part.size, name)
        file, new = take_in(batch=batch, name=name, staged=part.staged, size=part.size, sha256=part.sha256, actor=actor)
    except CannotDo as refusal:
        staging.discard(part.staged)
        return Taken(part.raw_name, None, False, refusal)
    return Taken(name, file, new)


class StagingHandler(FileUploadHandler):
    """Writes the files of a form straight to staging while they arrive. Noise of operating systems is read past."""

    part: Staged | None = None
    _handle: FileIO | None = None
    _hash: Any = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        raw = str(self.file_name or "")
        self.part, self._handle, self._hash = None, None, hashlib.sha256()
        if not names.is_noise(raw):
            self.part = Staged(raw, staging.create())
            self._handle = staging.path(self.part.staged).open("r+b", buffering=0)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self.part is None or self._handle is None or self.part.refusal is not None:
            return
        self.part.size += len(raw_data)
        try:
            rights.require_length(self.part.size, self.part.raw_name)
        except CannotDo as refusal:
            self.part.refusal = refusal
            return
        staging.write_all(self._handle, raw_data)
        self._hash.update(raw_data)

    def file_complete(self, file_size: int) -> Any:
        if self.part is None or self._handle is None:
            return None
        self.part.sha256 = self._hash.hexdigest()
        staging.make_durable(self._handle)
        self._handle.close()
        part, self.part = self.part, None
        return part

    def upload_interrupted(self) -> None:
        if self.part is not None and self._handle is not None:
            self._handle.close()
            staging.discard(self.part.staged)
            self.part = None


class _PathParser(MultiPartParser):
    """Keeps the folders of a part's name, which Django strips: ``names`` cleans them, our disk never sees them."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        return file_name or None


class _Tail:
    """Remembers the end of what went through: a form whose last boundary did not come was cut short."""

    def __init__(self, body: Body) -> None:
        self.body, self.tail, self.total = body, b"", 0

    def read(self, size: int = staging.BLOCK) -> bytes:
        block = self.body.read(size)
        self.total += len(block)
        if self.total > settings.MAX_UPLOAD_BYTES + _FORM_OVERHEAD:
            raise MultiPartParserError("too large")
        self.tail = (self.tail + block)[-256:]
        return block


def parse_form(request: HttpRequest, body: Body) -> tuple[Any, MultiValueDict[str, Any]]:
    """Parse multipart/form-data, chunked or not, its files going to staging. Returns (fields, files of ``Staged``).

    Raises ``CannotDo`` when it is too large, not a form, or cut short; nothing stays staged then.
    """
    limit = settings.MAX_UPLOAD_BYTES + _FORM_OVERHEAD
    if body.announced is not None and body.announced > limit:
        raise _form_problem("The form is larger than one upload may be.", "Send fewer files at a time.", "too_large")
    stream = _Tail(body)
    meta = {**request.META, "CONTENT_LENGTH": str(limit if body.announced is None else body.announced)}
    handler = StagingHandler(request)
    parser: MultiPartParser | None = None
    try:
        parser = _PathParser(meta, stream, [handler], request.encoding or "utf-8")  # type: ignore[arg-type]
        fields, files = parser.parse()
    except (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent, Interrupted) as error:
        handler.upload_interrupted()
        discard_form(getattr(parser, "_files", None) or MultiValueDict())
        raise _form_refusal(error) from error
    except BaseException:  # a limit of Django's own, a full disk: clear bytes do not stay behind
        handler.upload_interrupted()
        discard_form(getattr(parser, "_files", None) or MultiValueDict())
        raise
    boundary = request.content_params.get("boundary", "") if request.content_params else ""
    if b"--" + boundary.encode() + b"--" not in stream.tail:
        discard_form(files)
        raise _form_refusal(Interrupted())
    return fields, files


def _form_refusal(error: Exception) -> CannotDo:
    if isinstance(error, Interrupted):
        return _form_problem("The connection broke off before the form was complete.", "Send it again.", "interrupted")
    if isinstance(error, TooManyFilesSent):
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        return _form_problem(
            f"The form holds more than {limit:,} files.",
            "Send them as one .zip archive, or in parts.",
            "too_many_files",
        )
    return _form_problem("The form cannot be read.", "Send it again.", "bad_form")


def _form_problem(message: str, remedy: str, code: str) -> CannotDo:
    return CannotDo(message, remedy=remedy, code=code)
