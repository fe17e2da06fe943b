"""Questions on a request's page: ask, answer, correct, list as an erratum, hide."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.common.refusals import shows_refusals
from requests_app.errata import errata_document
from requests_app.forms.text import AnswerTextForm, HideForm, TextForm
from requests_app.models import DatasetRequest, Question
from requests_app.services import questions as services
from requests_app.views.writing_text import text_page

PUBLIC = "Question and answer are public. Do not write anything about a patient."
_PAGE = ["GET", "HEAD", "POST"]


@login_required
@sensitive_post_parameters("text")
@require_http_methods(_PAGE)
def question_ask(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Ask. The short form on the request's page posts here too."""
    item, user = _item(request, slug), _user(request)
    form = TextForm(request.POST or None, label="Your question", hint=PUBLIC, max_length=services.QUESTION_LENGTH)

    def save(data: dict[str, str]) -> None:
        services.ask_question(request=item, text=data["text"], confirmed=data["confirmed"], actor=user)
        messages.success(request, "Your question is sent. The answer will stand here.")

    return text_page(
        request, form, save=save, title="Ask a question", button="Send the question", back=_back(item), about=item.title
    )


@login_required
@sensitive_post_parameters("text")
@require_http_methods(_PAGE)
def question_edit(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Change one's own words."""
    item, user = _item(request, slug), _user(request)
    question = _question(item, pk)
    if question.asked_by_id != user.pk:
        raise Http404
    form = TextForm(
        request.POST or None,
        label="Your question",
        hint=PUBLIC,
        max_length=services.QUESTION_LENGTH,
        initial={"text": question.text},
    )

    def save(data: dict[str, str]) -> None:
        services.edit_question(question=question, text=data["text"], confirmed=data["confirmed"], actor=user)
        messages.success(request, "Your question is changed.")

    return text_page(
        request, form, save=save, title="Change your question", button="Save", back=_back(item), about=item.title
    )


@login_required
@sensitive_post_parameters("text")
@require_http_methods(_PAGE)
def question_answer(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Answer for the organization that asks for data."""
    item, user = _item(request, slug), _user(request)
    question = _answerable(item, pk, user)
    form = AnswerTextForm(
        request.POST or None, label="Your answer", hint="It is public and stays.", max_length=services.ANSWER_LENGTH
    )

    def save(data: dict[str, str]) -> None:
        services.answer_question(
            question=question,
            text=data["text"],
            clarifies=bool(data["clarifies"]),
            confirmed=data["confirmed"],
            actor=user,
        )
        messages.success(request, "Answered.")

    return text_page(
        request,
        form,
        save=save,
        title="Answer a question",
        button="Answer",
        back=_back(item),
        about=item.title,
        quoted="" if question.is_hidden else question.text,
    )


@login_required
@sensitive_post_parameters("text")
@require_http_methods(_PAGE)
def answer_edit(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Change the words of an answer."""
    item, user = _item(request, slug), _user(request)
    question = _answerable(item, pk, user)
    form = TextForm(
        request.POST or None,
        label="Your answer",
        hint="It is public and stays.",
        max_length=services.ANSWER_LENGTH,
        initial={"text": "" if question.is_hidden else question.answer},
    )

    def save(data: dict[str, str]) -> None:
        services.edit_answer(question=question, text=data["text"], confirmed=data["confirmed"], actor=user)
        messages.success(request, "The answer is changed.")

    return text_page(
        request,
        form,
        save=save,
        title="Change your answer",
        button="Save",
        back=_back(item),
        about=item.title,
        quoted="" if question.is_hidden else question.text,
    )


@login_required
@require_POST
@shows_refusals("request_detail")
def question_clarifies(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """List an answer as an erratum."""
    item = _item(request, slug)
    services.mark_erratum(question=_question(item, pk), actor=_user(request))
    messages.success(request, "Listed as an erratum. Everyone with an offer is told.")
    return redirect(f"{item.get_absolute_url()}#errata")


@login_required
@require_POST
@shows_refusals("request_detail")
def question_hide(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Staff hide question and answer."""
    item = _item(request, slug)
    form = HideForm(request.POST)
    data = form.cleaned_data if form.is_valid() else {"reason": "", "erase": False}
    services.hide_question(question=_question(item, pk), actor=_user(request), **data)
    messages.success(request, "Hidden, with the reason in its place.")
    return redirect(_back(item))


@login_required
@require_POST
@shows_refusals("request_detail")
def question_show(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    """Staff show it again."""
    item = _item(request, slug)
    services.show_question(question=_question(item, pk), actor=_user(request))
    messages.success(request, "It is shown again.")
    return redirect(_back(item))


@require_safe
def request_errata_json(request: HttpRequest, slug: str) -> HttpResponse:
    """The errata as a file: they clarify the frozen specification and are no part of it, so its hash stays what it is."""
    return JsonResponse(errata_document(_item(request, slug)), json_dumps_params={"indent": 2, "ensure_ascii": False})


def _item(request: HttpRequest, slug: str) -> DatasetRequest:
    return get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)


def _question(item: DatasetRequest, pk: str) -> Question:
    return get_object_or_404(Question.objects.select_related("request__organization", "asked_by"), pk=pk, request=item)


def _answerable(item: DatasetRequest, pk: str, user: User) -> Question:
    if not can(user, "write", item.organization):
        raise Http404
    return _question(item, pk)


def _back(item: DatasetRequest) -> str:
    return f"{item.get_absolute_url()}#questions"


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
