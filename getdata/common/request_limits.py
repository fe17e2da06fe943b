"""How much of a request is read that is not an upload of a delivery: uploads have endpoints and limits of their own."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler


class SmallForms(MemoryFileUploadHandler):
    """Files of an ordinary form, in memory only.

    Django reads the form of any POST, for its CSRF token, before it is known who asks, and writes its files to the
    system's temporary folder: there a stranger could fill the disk, and a delivery sent to a wrong address would lie in
    the clear. Raises ``RequestDataTooBig`` (400) for a form above ``FILE_UPLOAD_MAX_MEMORY_SIZE``.
    """

    def handle_raw_input(  # type: ignore[override]
        self, input_data: Any, META: dict[str, str], content_length: int, boundary: bytes, encoding: str | None = None
    ) -> None:
        if content_length > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("the form is larger than a form may be")
        self.activated = True
