"""What a page makes of a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, NotFound, ParseError, ValidationError

from getdata.accounts.models import Organization
from getdata.common.problems import CannotDo, exception_handler
from getdata.common.refusals import refusal_text, shows_refusals
from getdata.common.states import StaleState

REFUSAL = CannotDo("The batch is empty.", remedy="Upload at least one file.", code="empty")


def _request(method: str = "post", path: str = "/organizations/x/submit/", **headers: str) -> Any:
    request = getattr(RequestFactory(), method)(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    request.session = SessionStore()
    request._messages = FallbackStorage(request)
    return request


def _refusing(to: Any = "", error: Exception = REFUSAL) -> Any:
    @shows_refusals(to)
    def view(request: Any, **kwargs: Any) -> HttpResponse:
        raise error

    return view


def test_a_refusal_becomes_a_message_with_its_remedy_and_a_redirect() -> None:
    request = _request()
    answer = _refusing("organization_detail")(request, slug="x", key="ethics")
    assert (answer.status_code, answer["Location"]) == (302, reverse("organization_detail", args=["x"]))
    (message,) = get_messages(request)
    assert (message.level_tag, str(message)) == ("error", "The batch is empty. Upload at least one file.")


def test_a_stale_state_is_shown_the_same_way() -> None:
    request = _request()
    answer = _refusing("organization_list", StaleState(Organization, "in_review", "accepted"))(request)
    assert answer["Location"] == reverse("organization_list")
    assert "no longer in review" in str(next(iter(get_messages(request))))


def test_the_place_may_be_computed_or_be_the_page_one_came_from() -> None:
    computed = _refusing(lambda request, slug: f"/there/{slug}")(_request(), slug="x")
    assert computed["Location"] == "/there/x"
    back = _refusing()(_request(Referer="http://testserver/batches/1/?tab=files"))
    assert back["Location"] == "/batches/1/?tab=files"


@pytest.mark.parametrize("referer", ["https://evil.example/x", "//evil.example/", "javascript:alert(1)", ""])
def test_a_foreign_referrer_is_not_followed(referer: str) -> None:
    assert _refusing()(_request(Referer=referer))["Location"] == "/"


def test_htmx_is_sent_to_the_whole_page() -> None:
    answer = _refusing("organization_list")(_request(HX_Request="true"))
    assert (answer.status_code, answer["HX-Redirect"]) == (200, reverse("organization_list"))


def test_a_get_that_would_lead_to_itself_raises() -> None:
    with pytest.raises(CannotDo):
        _refusing("organization_list")(_request("get", reverse("organization_list")))


def test_other_errors_and_answers_pass_through() -> None:
    with pytest.raises(ZeroDivisionError):
        _refusing(error=ZeroDivisionError())(_request())

    @shows_refusals()
    def fine(request: Any) -> HttpResponse:
        return HttpResponse("fine")

    assert fine(_request()).content == b"fine"
    assert fine.__name__ == "fine"


def test_a_refusal_without_remedy_has_no_trailing_space() -> None:
    assert refusal_text(CannotDo("No.")) == "No."


def test_the_api_answers_409_with_code_detail_and_remedy() -> None:
    answer = exception_handler(REFUSAL, {})
    assert answer is not None
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.data == {
        "type": "urn:getdata:problem:empty",
        "title": "Not possible now",
        "status": 409,
        "code": "empty",
        "detail": "The batch is empty.",
        "remedy": "Upload at least one file.",
        "errors": [],
    }
    stale = exception_handler(StaleState(Organization, "pending", "verified"), {})
    assert stale is not None
    assert (stale.status_code, stale.data["code"]) == (409, "stale_state")
    assert exception_handler(ZeroDivisionError(), {}) is None


def test_a_body_that_is_not_valid_names_each_field_with_path_and_cure() -> None:
    class Cell(serializers.Serializer[Any]):
        count = serializers.IntegerField(min_value=0)

    class Body(serializers.Serializer[Any]):
        name = serializers.CharField()
        cells = Cell(many=True)

    reading = Body(data={"cells": [{"count": 1}, {"count": -1}]})
    assert not reading.is_valid()
    answer = exception_handler(ValidationError(reading.errors), {})
    assert answer is not None
    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    told = {error["pointer"]: (error["path"], error["code"], error["remedy"]) for error in answer.data["errors"]}
    assert told == {
        "/name": ("name", "required", "Add it."),
        "/cells/1/count": ("cells.1.count", "min_value", "Give a larger number."),
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound(), 404, "not_found"),
        (NotAuthenticated(), 401, "not_authenticated"),
        (ParseError(), 400, "parse_error"),
    ],
)
def test_the_frameworks_errors_have_the_same_shape(error: Exception, status: int, code: str) -> None:
    answer = exception_handler(error, {})
    assert answer is not None
    assert (answer.status_code, answer.data["status"], answer.data["code"]) == (status, status, code)
    assert answer.data["detail"]
    assert answer.data["remedy"]


def test_a_bug_is_not_dressed_up_as_a_refusal() -> None:
    assert exception_handler(RuntimeError("bug"), {}) is None
