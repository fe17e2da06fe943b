"""What the server already has of a folder: so that choosing the same files again sends only what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fulfillment.models import Batch, SourceFile, SourceFileStatus, Upload
from fulfillment.uploads import names
from fulfillment.uploads.transfers import uploads_of


def what_is_known(
    *, batch: Batch, files: Iterable[Mapping[str, Any]], url_of: Callable[[Upload], str]
) -> list[dict[str, Any]]:
    """One answer for each of ``files`` (relative_path, size, modified, sha256).

    ``here`` is said only of the same path with the same content: a corrected file often has its predecessor's size, so
    size alone answers ``compare``, and the client asks again with the content's SHA-256. ``status`` says what became of a file
    that is here: one that was refused and is unchanged would be refused again. Raises ``CannotDo`` for a bad
    name.
    """
    asked = [(file, names.clean_relative_path(str(file["relative_path"]))) for file in files]
    digests = [names.name_digest(batch, name) for _, name in asked]
    prints = [names.upload_fingerprint(batch, name, file["size"], file.get("modified", "")) for file, name in asked]
    taken: dict[str, list[SourceFile]] = {}
    for row in batch.files.filter(name_digest__in=digests).exclude(status=SourceFileStatus.WITHDRAWN):
        taken.setdefault(row.name_digest, []).append(row)
    # Of several transfers of one file the one with most bytes is worth going on with.
    open_ = {row.fingerprint: row for row in uploads_of(batch).filter(fingerprint__in=prints).order_by("offset")}
    return [
        _answer(batch, file, taken.get(digest, []), open_.get(fingerprint), url_of)
        for (file, _), digest, fingerprint in zip(asked, digests, prints, strict=True)
    ]


def _answer(
    batch: Batch,
    file: Mapping[str, Any],
    taken: list[SourceFile],
    upload: Upload | None,
    url_of: Callable[[Upload], str],
) -> dict[str, Any]:
    sha256 = file.get("sha256", "")
    same_size = [row for row in taken if row.size == file["size"]]
    if sha256:
        wanted = names.content_digest(batch, sha256)
        match = next((row for row in same_size if row.content_digest == wanted), None)
        # One whose work broke may come once more: it is taken in again (see ledger_entry).
        if match is not None and match.status != SourceFileStatus.FAILED:
            return {"state": "here", "upload": "", "offset": match.size, "number": match.number, "status": match.status}
    elif same_size:
        return {"state": "compare", "upload": "", "offset": 0, "number": None, "status": ""}
    if upload is not None:
        return {"state": "resume", "upload": url_of(upload), "offset": upload.offset, "number": None, "status": ""}
    return {"state": "new", "upload": "", "offset": 0, "number": None, "status": ""}
