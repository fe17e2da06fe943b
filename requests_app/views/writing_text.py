"""Pages on which somebody writes text for others: the guard's warnings stand beside the words, which are kept only when sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text
from getdata.common.states import StaleState
from requests_app.forms.text import TextForm
from requests_app.services.guarding import MayIdentify


def text_page(
    request: HttpRequest,
    form: TextForm,
    *,
    save: Callable[[dict[str, Any]], object],
    title: str,
    button: str,
    back: str,
    about: str = "",
    quoted: str = "",
    then: str = "",
) -> HttpResponseBase:
    """Show the form, or save what was sent and go ``then`` (``back`` by default).

    What the guard stops comes back with the words as they were typed, each finding named, and, where all are soft, a box to
    confirm. Nothing of a stopped text is stored or logged.
    """
    stopped: MayIdentify | None = None
    if request.method == "POST" and form.is_valid():
        try:
            save(form.cleaned_data)
        except MayIdentify as refusal:
            stopped = refusal
            form.add_error("text", refusal_text(refusal))
        except (CannotDo, StaleState) as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            return redirect(then or back)
    context = {
        "form": form,
        "stopped": stopped,
        "title": title,
        "button": button,
        "back": back,
        "about": about,
        "quoted": quoted,
    }
    answer: HttpResponse = render(request, "requests_app/text_form.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
