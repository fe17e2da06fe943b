"""Public questions on a request: asked, answered, corrected within a while, made into errata, hidden by staff."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from getdata.accounts.models import User
from getdata.accounts.permissions import require, require_staff
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.notifications.services import notify
from requests_app.models import DatasetRequest, HiddenReason, Offer, Question, RequestStatus
from requests_app.services.guarding import guarded
from requests_app.services.people import people

QUESTION_LENGTH = 2000
ANSWER_LENGTH = 4000


def ask_question(*, request: DatasetRequest, text: str, actor: User, confirmed: str = "") -> Question:
    """Anyone signed in may ask about an open request; question and answer are public with it.

    Raises ``MayIdentify`` for a text that the guard stops (see ``guarding.guarded`` for ``confirmed``).
    """
    if request.status != RequestStatus.OPEN:
        raise CannotDo(
            "Questions are asked while a request is open.", remedy="Look for an open request.", code="not_open"
        )
    text = guarded(text, limit=QUESTION_LENGTH, confirmed=confirmed, what="question")
    with transaction.atomic():
        question = Question.objects.create(request=request, asked_by=actor, text=text)
        _record("asked", question, actor, confirmed)
        notify(
            event="question.asked",
            parties={"asker": request.organization},
            text=f"A question on “{request.title}”.",
            url=place_of(question),
        )
    return question


def edit_question(*, question: Question, text: str, actor: User, confirmed: str = "") -> Question:
    """Who asked may change the words for a quarter of an hour, as long as nobody has answered."""
    if question.asked_by_id != actor.pk:
        raise CannotDo("Only who asked may change a question.", remedy="Ask one of your own.", code="not_yours")
    text = guarded(text, limit=QUESTION_LENGTH, confirmed=confirmed, what="question")
    with transaction.atomic():
        current = _locked(question)
        if not current.question_may_change:
            raise CannotDo(
                "This question can no longer be changed.",
                remedy="It is changed within 15 minutes and before it is answered. Ask another one.",
                code="edit_window_over",
            )
        Question.objects.filter(pk=question.pk).update(text=text, edited_at=timezone.now())
        _record("edited", question, actor, confirmed)
    return Question.objects.get(pk=question.pk)


def answer_question(
    *, question: Question, text: str, actor: User, clarifies: bool = False, confirmed: str = ""
) -> Question:
    """The asking organization answers, once: the answer is public and stays. ``clarifies`` makes it an erratum."""
    require(actor, "write", question.request.organization)
    text = guarded(text, limit=ANSWER_LENGTH, confirmed=confirmed, what="answer")
    with transaction.atomic():
        current = _locked(question)
        if current.answered_at:
            raise CannotDo("This question is answered already.", remedy="Reload the page.", code="already_answered")
        if current.is_hidden:
            raise CannotDo(
                "Staff hid this question.", remedy="Answer it when it is shown again.", code="question_hidden"
            )
        Question.objects.filter(pk=question.pk).update(answer=text, answered_by=actor, answered_at=timezone.now())
        _record("answered", question, actor, confirmed)
        notify(
            event="question.answered",
            users=[question.asked_by],
            text=f"Your question on “{question.request.title}” was answered.",
            url=place_of(question),
        )
        if clarifies:
            _make_erratum(question, actor)
    return Question.objects.get(pk=question.pk)


def edit_answer(*, question: Question, text: str, actor: User, confirmed: str = "") -> Question:
    """The asking organization may change the words of its answer for a quarter of an hour."""
    require(actor, "write", question.request.organization)
    text = guarded(text, limit=ANSWER_LENGTH, confirmed=confirmed, what="answer")
    with transaction.atomic():
        current = _locked(question)
        if not current.answer_may_change:
            raise CannotDo(
                "This answer can no longer be changed.",
                remedy="It is changed within 15 minutes. Amend the request if the answer was wrong.",
                code="edit_window_over",
            )
        Question.objects.filter(pk=question.pk).update(answer=text, answer_edited_at=timezone.now())
        _record("answer_edited", question, actor, confirmed)
    return Question.objects.get(pk=question.pk)


def mark_erratum(*, question: Question, actor: User) -> Question:
    """Say of an answer that it clarifies the request: it is listed as an erratum and everyone with an offer is told."""
    require(actor, "write", question.request.organization)
    with transaction.atomic():
        current = _locked(question)
        if not current.answered_at or current.is_hidden:
            raise CannotDo("There is no answer to list.", remedy="Answer the question first.", code="not_answered")
        if current.is_erratum:
            raise CannotDo("This answer is listed as an erratum already.", code="already_erratum")
        _make_erratum(current, actor)
    return Question.objects.get(pk=question.pk)


def hide_question(*, question: Question, reason: str, actor: User, erase: bool = False) -> Question:
    """Staff hide question and answer from everybody; ``erase`` also removes the words for good (identity of a person)."""
    require_staff(actor)
    check_reason(reason)
    with transaction.atomic():
        current = _locked(question)
        if current.is_hidden:
            raise CannotDo("This question is hidden already.", remedy="Reload the page.", code="already_hidden")
        gone = {"text": "", "answer": ""} if erase else {}
        Question.objects.filter(pk=question.pk).update(
            hidden_at=timezone.now(), hidden_by=actor, hidden_reason=reason, **gone
        )
        record(
            verb="question.hidden",
            target=question,
            actor=actor,
            organization_id=question.request.organization_id,
            data={"reason": reason, "erased": erase},
        )
        notify(
            event="question.hidden",
            users=[question.asked_by],
            parties={"asker": question.request.organization},
            text=f"Staff hid a question on “{question.request.title}”.",
            url=place_of(question),
        )
    return Question.objects.get(pk=question.pk)


def show_question(*, question: Question, actor: User) -> Question:
    """Staff show a hidden question again. What was erased does not come back."""
    require_staff(actor)
    with transaction.atomic():
        current = _locked(question)
        if not current.is_hidden:
            raise CannotDo("This question is not hidden.", remedy="Reload the page.", code="not_hidden")
        if not current.text:
            raise CannotDo("The words were erased; there is nothing to show.", code="erased")
        Question.objects.filter(pk=question.pk).update(hidden_at=None, hidden_by=None, hidden_reason="")
        _record("shown", question, actor)
    return Question.objects.get(pk=question.pk)


def check_reason(reason: str) -> None:
    """Raise ``CannotDo`` for a reason that is not on the list."""
    if reason not in HiddenReason.values:
        raise CannotDo("Hiding needs a reason.", remedy="Choose one of those listed.", code="reason_missing")


def place_of(question: Question) -> str:
    """The question's own place on the request's page."""
    return f"{question.request.get_absolute_url()}#question-{question.pk}"


def _make_erratum(question: Question, actor: User) -> None:
    request = question.request
    version = request.current_version
    number = version.number if version else 1
    Question.objects.filter(pk=question.pk).update(clarifies_version=number, clarified_at=timezone.now())
    record(
        verb="question.clarifies",
        target=question,
        actor=actor,
        organization_id=request.organization_id,
        data={"version": number},
    )
    live = Offer.objects.live().filter(request=request)
    users = {user.pk: user for offer in live.select_related("hospital") for user in people(offer.hospital, "write")}
    notify(
        event="question.clarifies",
        users=users.values(),
        text=f"An answer clarifies “{request.title}”, on which you have an offer.",
        url=f"{request.get_absolute_url()}#errata",
    )


def _locked(question: Question) -> Question:
    return Question.objects.select_for_update(of=("self",)).select_related("request").get(pk=question.pk)


def _record(act: str, question: Question, actor: User, confirmed: str = "") -> None:
    """Who did what, and whether a warning of the guard was confirmed; never the words."""
    record(
        verb=f"question.{act}",
        target=question,
        actor=actor,
        organization_id=question.request.organization_id,
        data={"warning_confirmed": True} if confirmed else {},
    )
