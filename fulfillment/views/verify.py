"""Verifying a paper without an account: it is looked at in memory and forgotten."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from rest_framework.throttling import AnonRateThrottle

from fulfillment.services.verifying import LARGEST, Answer, verify_paper


class _InMemory(MemoryFileUploadHandler):
    """One paper, never on disk. Raises ``RequestDataTooBig`` for a larger one."""

    def handle_raw_input(  # type: ignore[override]
        self, input_data: Any, META: dict[str, str], content_length: int, boundary: bytes, encoding: str | None = None
    ) -> None:
        if content_length > LARGEST + 64 * 1024:
            raise RequestDataTooBig("the paper is larger than is looked at here")
        self.activated = True


class _Often(AnonRateThrottle):
    """Of one address without an account; each look costs some work."""

    scope = "verify"
    rate = "30/min"


class PaperForm(forms.Form):
    """A file, or its text."""

    paper = forms.FileField(
        label="The file",
        required=False,
        help_text="A certificate, attestation or evidence pack (JSON), or the manifest-sha256.txt of a release. At most 16 MB.",
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
        help_text="All of it, from the first bracket to the last.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("paper") and not (data.get("text") or "").strip():
            self.add_error("paper", "Choose a file, or paste its text below.")
        return data


@csrf_exempt  # only so that the handler can be chosen before the form is read: _verify is protected
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Whether a paper is genuine, what it says, where it was altered."""
    request.upload_handlers = [_InMemory(request)]
    try:
        response = _verify(request)
    except RequestDataTooBig:
        form = PaperForm({"text": "-"})  # bound, so that it can carry a word; what was sent is not read
        form.add_error(None, "It is larger than 16 MB. Check it at home: python -m deid verify-certificate FILE.")
        return _page(request, form, None, 413)
    response["Cache-Control"] = "no-store"
    return response


@csrf_protect
def _verify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PaperForm(), None, 200)
    form = PaperForm(request.POST, request.FILES)
    if not _Often().allow_request(request, None):  # type: ignore[arg-type]
        form.full_clean()
        form.add_error(None, "Too many papers from your address just now. Wait a minute and send it again.")
        return _page(request, form, None, 429)
    if not form.is_valid():
        return _page(request, form, None, 200)
    given, text = form.cleaned_data["paper"], form.cleaned_data["text"].encode("utf-8", "replace")
    answer = verify_paper(given.read()) if given else verify_paper(text, pasted=True)
    return _page(request, PaperForm(), answer, 200)


def _page(request: HttpRequest, form: PaperForm, answer: Answer | None, status: int) -> HttpResponse:
    return render(request, "pages/verify.html", {"form": form, "answer": answer}, status=status)
