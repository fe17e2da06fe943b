"""Public questions, errata and their moderation."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.notifications.models import Notification, OutboxMail
from requests_app.models import Question
from requests_app.services import offers, requests
from requests_app.services import questions as services
from requests_app.services.guarding import MayIdentify
from tests.requests_app.people import Market


def refused(code: str, verb: Any, **given: Any) -> None:
    with pytest.raises(CannotDo) as caught:
        verb(**given)
    assert caught.value.code == code


def asked(market: Market, text: str = "With a grid?", **given: Any) -> Question:
    given.setdefault("request", market.open())
    return services.ask_question(text=text, actor=market.stranger, **given)


def as_person(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def age(question: Question, minutes: int = 16) -> None:
    Question.objects.filter(pk=question.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))
    Question.objects.filter(pk=question.pk, answered_at__isnull=False).update(
        answered_at=timezone.now() - timedelta(minutes=minutes)
    )
    question.refresh_from_db()


def test_a_question_is_answered_once_and_by_who_asks_for_data(market: Market) -> None:
    made = market.open()
    question = asked(market, request=made)
    assert Notification.objects.filter(user=market.researcher, event="question.asked").exists()
    refused("role_lacks_capability", services.answer_question, question=question, text="Yes", actor=market.manager)
    answered = services.answer_question(question=question, text="Yes.", actor=market.researcher)
    assert (answered.answer, answered.is_erratum) == ("Yes.", False)
    assert Notification.objects.filter(user=market.stranger, event="question.answered").exists()
    refused("already_answered", services.answer_question, question=question, text="No.", actor=market.researcher)
    refused("text_missing", services.ask_question, request=made, text=" ", actor=market.stranger)
    refused("not_open", services.ask_question, request=market.draft(), text="?", actor=market.stranger)


def test_words_change_for_a_quarter_of_an_hour_and_a_question_not_after_its_answer(market: Market) -> None:
    question = asked(market)
    refused("not_yours", services.edit_question, question=question, text="x", actor=market.researcher)
    changed = services.edit_question(question=question, text="With or without a grid?", actor=market.stranger)
    assert (changed.text, changed.edited_at is not None) == ("With or without a grid?", True)
    answered = services.answer_question(question=question, text="Wiht.", actor=market.researcher)
    refused("edit_window_over", services.edit_question, question=question, text="x", actor=market.stranger)
    assert services.edit_answer(question=answered, text="With.", actor=market.researcher).answer == "With."
    age(question)
    refused("edit_window_over", services.edit_answer, question=question, text="x", actor=market.researcher)
    late = asked(market)
    age(late)
    refused("edit_window_over", services.edit_question, question=late, text="x", actor=market.stranger)


def test_an_erratum_is_listed_with_its_date_and_everyone_with_an_offer_is_told(market: Market) -> None:
    offer = market.offer()
    question = asked(market, request=offer.request)
    services.answer_question(question=question, text="Yes, any grid.", clarifies=True, actor=market.researcher)
    told = Notification.objects.filter(event="question.clarifies")
    assert set(told.values_list("user", flat=True)) == {market.manager.pk, market.signatory.pk}
    page = Client().get(offer.request.get_absolute_url()).content.decode()
    assert 'id="errata"' in page
    assert "Erratum 1" in page
    listed = Client().get(reverse("request_errata_json", args=[offer.request.slug])).json()
    assert listed["sha256"] == offer.spec_version.sha256
    (erratum,) = listed["errata"]
    assert (erratum["number"], erratum["version"], erratum["answer"]) == (1, 1, "Yes, any grid.")
    assert erratum["date"] == timezone.now().date().isoformat()
    api = Client().get(reverse("api-request-detail", args=[offer.request.slug])).json()
    assert api["errata"] == [erratum]
    assert Client().get(reverse("api-errata", args=[offer.request.slug])).json()["results"] == [erratum]


def test_an_answer_becomes_an_erratum_later_but_once(market: Market) -> None:
    question = asked(market)
    refused("not_answered", services.mark_erratum, question=question, actor=market.researcher)
    services.answer_question(question=question, text="Yes.", actor=market.researcher)
    assert services.mark_erratum(question=question, actor=market.researcher).clarifies_version == 1
    refused("already_erratum", services.mark_erratum, question=question, actor=market.researcher)
    refused("role_lacks_capability", services.mark_erratum, question=question, actor=market.manager)


def test_what_staff_hide_is_gone_from_page_file_and_api_and_comes_back(market: Market) -> None:
    question = asked(market, "A secret grid?")
    services.answer_question(question=question, text="A hidden answer.", clarifies=True, actor=market.researcher)
    refused("staff_only", services.hide_question, question=question, reason="abuse", actor=market.researcher)
    refused("reason_missing", services.hide_question, question=question, reason="", actor=market.reviewer)
    services.hide_question(question=question, reason="off_topic", actor=market.reviewer)
    slug = question.request.slug
    places = [
        question.request.get_absolute_url(),
        reverse("request_errata_json", args=[slug]),
        reverse("api-questions", args=[slug]),
        reverse("api-question", args=[slug, question.pk]),
        reverse("api-request-detail", args=[slug]),
    ]
    for place in places:
        body = as_person(market.researcher).get(place).content.decode()
        assert "secret grid" not in body
        assert "hidden answer" not in body.lower().replace("hide question and answer", "")
    assert "nothing to do with the request" in Client().get(places[0]).content.decode()
    event = AuditEvent.objects.get(verb="question.hidden")
    assert event.data == {"reason": "off_topic", "erased": False}
    assert services.show_question(question=question, actor=market.reviewer).is_erratum
    assert "secret grid" in Client().get(places[0]).content.decode()


def test_words_that_were_erased_do_not_come_back(market: Market) -> None:
    question = asked(market)
    hidden = services.hide_question(question=question, reason="identity", erase=True, actor=market.reviewer)
    assert (hidden.text, hidden.answer) == ("", "")
    refused("erased", services.show_question, question=question, actor=market.reviewer)
    refused("question_hidden", services.answer_question, question=question, text="Yes", actor=market.researcher)


def test_the_guard_stops_a_text_and_keeps_nothing_of_it(market: Market, caplog: pytest.LogCaptureFixture) -> None:
    made = market.open()
    words = "Is Mrs Smithsonian, MRN 99887766, in scope?"
    with pytest.raises(MayIdentify) as caught:
        services.ask_question(request=made, text=words, actor=market.stranger)
    assert caught.value.confirmation == ""
    page = as_person(market.stranger).post(reverse("question_ask", args=[made.slug]), {"text": words}).content.decode()
    assert "MRN 99887766" in page, "the person sees what was found"
    assert 'name="confirmed"' not in page.replace('type="hidden"', ""), "a record number cannot be confirmed away"
    assert not Question.objects.exists()
    kept = [str(e.data) + e.verb for e in AuditEvent.objects.all()] + [n.text for n in Notification.objects.all()]
    kept += [mail.body for mail in OutboxMail.objects.all()] + [record.getMessage() for record in caplog.records]
    assert [text for text in kept if "99887766" in text or "Smithsonian" in text] == []


def test_a_soft_warning_is_confirmed_for_the_very_words(market: Market) -> None:
    made = market.open()
    client, place = as_person(market.stranger), reverse("question_ask", args=[made.slug])
    warned = client.post(place, {"text": "May I call 0171 2345678?"})
    confirmation = warned.context["stopped"].confirmation
    assert confirmation in warned.content.decode()
    client.post(place, {"text": "May I call 0171 9999999?", "confirmed": confirmation})
    assert not Question.objects.exists()
    client.post(place, {"text": "May I call 0171 2345678?", "confirmed": confirmation})
    assert Question.objects.get().text == "May I call 0171 2345678?"
    assert AuditEvent.objects.get(verb="question.asked").data == {"warning_confirmed": True}


def test_the_api_asks_answers_warns_and_hides(market: Market) -> None:
    made = market.open()
    asker, owner, staff = as_person(market.stranger), as_person(market.researcher), as_person(market.reviewer)
    place = reverse("api-questions", args=[made.slug])

    def send(client: Client, address: str, method: str = "post", **body: Any) -> Any:
        return getattr(client, method)(address, json.dumps(body), content_type="application/json")

    stopped = send(asker, place, text="Write to a.b@example.org?")
    assert (stopped.status_code, stopped["Content-Type"]) == (409, "application/problem+json")
    told = stopped.json()
    assert (told["code"], told["errors"][0]["pointer"]) == ("text_may_identify", "/text")
    assert "a.b@example.org" not in stopped.content.decode()
    made_one = send(asker, place, text="Write to a.b@example.org?", confirmed=told["confirmation"])
    assert made_one.status_code == 201
    one = reverse("api-question", args=[made.slug, made_one.json()["id"]])
    assert send(asker, one, "put", text="With a grid?").json()["text"] == "With a grid?"
    answered = send(owner, f"{one}answer/", text="Yes.", clarifies=True).json()
    assert (answered["answer"], answered["is_erratum"]) == ("Yes.", True)
    assert send(owner, f"{one}answer/", "put", text="Yes, any.").json()["answer"] == "Yes, any."
    assert Client().get(place).json()["results"][0]["answer"] == "Yes, any."
    assert send(owner, f"{one}hide/", reason="abuse").json()["code"] == "staff_only"
    assert send(staff, f"{one}hide/", reason="abuse").json()["text"] == ""
    assert send(staff, f"{one}hide/", "delete").json()["text"] == "With a grid?"
    assert send(Client(), place, text="x").status_code in (401, 403)


def test_pages_to_answer_and_to_change_are_for_who_may(market: Market) -> None:
    question = asked(market)
    slug, key = question.request.slug, question.pk
    answering, editing = reverse("question_answer", args=[slug, key]), reverse("question_edit", args=[slug, key])
    assert as_person(market.manager).get(answering).status_code == 404
    assert as_person(market.researcher).get(editing).status_code == 404
    assert "With a grid?" in as_person(market.researcher).get(answering).content.decode()
    assert as_person(market.stranger).post(editing, {"text": "With any grid?"}).status_code == 302
    posted = as_person(market.researcher).post(answering, {"text": "Yes.", "clarifies": "on"})
    assert posted["Location"].endswith("#questions")
    question.refresh_from_db()
    assert (question.text, question.answer, question.is_erratum) == ("With any grid?", "Yes.", True)


def test_notes_and_offers_carry_no_record_number_either(market: Market) -> None:
    note = "See MRN 12345678."
    submitted = market.submitted()
    verbs: list[tuple[Any, dict[str, Any]]] = [
        (requests.return_request, {"request": submitted, "actor": market.reviewer}),
        (requests.cancel_request, {"request": submitted, "actor": market.researcher}),
    ]
    offer = market.offer()
    verbs += [
        (offers.decline_offer, {"offer": offer, "actor": market.researcher}),
        (offers.withdraw_offer, {"offer": offer, "actor": market.manager}),
    ]
    for verb, given in verbs:
        refused("text_may_identify", verb, note=note, **given)
    offers.withdraw_offer(offer=offer, actor=market.manager, note="The scanner is being replaced.")
    with pytest.raises(MayIdentify):
        market.offer(offer.request, message=note)


def test_an_offers_words_are_warned_about_and_confirmed_on_its_form(market: Market) -> None:
    item = market.open()
    client, place = as_person(market.manager), reverse("offer_new", args=[item.slug])
    sent = {"hospital": str(market.hospital.pk), "images": "500", "message": "Ask our archive: 0171 2345678."}
    warned = client.post(place, sent)
    assert "0171 2345678" in warned.content.decode()
    assert not item.offers.exists()
    hard = client.post(place, {**sent, "terms": "As in MRN 12345678."})
    assert hard.context["form"].stopped.confirmation == ""
    confirmation = warned.context["form"].stopped.confirmation
    client.post(place, {**sent, "terms": "Or 0171 9999999.", "confirmed": confirmation})
    assert not item.offers.exists(), "the confirmation stands for the words it was given to"
    client.post(place, {**sent, "confirmed": confirmation})
    assert item.offers.get().message == sent["message"]
