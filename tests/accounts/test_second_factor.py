"""The second step: who is held to it, where they are led, how they come back, and what a password alone never does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from getdata import checks
from getdata.accounts.models import ApiToken, Role
from getdata.accounts.second_factor import recently_proven
from getdata.accounts.services.proving import prove_identity
from getdata.accounts.tokens import make_token
from getdata.common.problems import CannotDo
from tests.factories import (
    PASSWORD,
    SECOND_FACTOR,
    HospitalFactory,
    OrganizationFactory,
    ReviewerFactory,
    UserFactory,
    member,
)
from tests.support.pages import problems
from tests.support.sign_in import code, proven, with_password_alone

pytestmark = pytest.mark.django_db


def sound(answer: Any) -> str:
    assert answer.status_code == 200
    text: str = answer.content.decode()
    assert problems(text) == []
    return text


@pytest.mark.django_db(transaction=True)  # allauth tells of a new factor when its transaction ends
def test_somebody_of_a_hospital_is_led_to_set_it_up_and_back_to_where_they_were() -> None:
    hospital = HospitalFactory.create(name="Clinic by the Lake")
    client = with_password_alone(member(hospital, Role.VIEWER, second_factor=False))
    wanted = f"{reverse('organization_members', args=[hospital.slug])}?page=1"
    led = client.get(wanted)
    assert led["Location"].startswith(reverse("second_step"))
    page = sound(client.get(led["Location"]))
    assert "Clinic by the Lake" in page and reverse("mfa_activate_totp") in page and reverse("mfa_add_webauthn") in page
    assert "Not now" not in page, "there is no way round it"

    assert "Your password" in sound(client.get(reverse("mfa_activate_totp"), follow=True))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = re.search(r'value="([A-Z2-7]{16,})"', sound(client.get(reverse("mfa_activate_totp"))))
    assert secret
    kept = sound(client.post(reverse("mfa_activate_totp"), {"code": code(secret[1])}, follow=True))
    assert "I have kept them: go on" in kept
    assert client.get(reverse("second_step"))["Location"] == wanted
    assert client.get(wanted).status_code == 200
    stored = Authenticator.objects.get(type="totp")
    assert secret[1] not in str(stored.data), "the secret is sealed"
    assert stored.wrap().instance.data["secret"].startswith("sealed:")


@pytest.mark.parametrize("kind", ["reviewer", "hospital", "researcher"])
def test_a_session_without_it_reaches_no_page_of_those_who_need_it(kind: str) -> None:
    person = {
        "reviewer": ReviewerFactory.create,
        "hospital": lambda: member(HospitalFactory.create()),
        "researcher": lambda: member(OrganizationFactory.create()),
    }[kind]()
    client = with_password_alone(person)
    held = kind != "researcher"
    for address in ("/dashboard/", "/requests/", "/deliveries/", "/account/"):
        answer = client.get(address)
        assert (answer.status_code == 302) == held, address
        assert not held or answer["Location"].startswith(reverse("mfa_reauthenticate")), "they have one: show it"
    api = client.get("/api/v1/me/")
    assert api.status_code == (403 if held else 200)
    assert not held or (api.json()["code"] == "second_factor_required" and api.json()["remedy"])
    part = client.get("/dashboard/", headers={"HX-Request": "true"})
    assert ("HX-Redirect" in part) == held
    for address in ("/", "/accounts/logout/", "/accounts/email/", "/healthz"):
        assert client.get(address, headers={"Accept": "text/html"}).status_code in (200, 503), address
    shown = client.post(reverse("mfa_reauthenticate"), {"code": code(SECOND_FACTOR), "next": "/dashboard/"})
    assert shown["Location"] == "/dashboard/"
    assert client.get("/dashboard/").status_code == 200


def test_released_data_leaves_to_nobody_without_it() -> None:
    plain, full = UserFactory.create(second_factor=False), UserFactory.create()
    with pytest.raises(CannotDo) as refusal:
        make_token(user=plain, name="pull", scopes=["releases:read"])
    assert refusal.value.code == "second_factor_required" and refusal.value.remedy
    _, other = make_token(user=plain, name="read", scopes=["requests:read"])
    _, pull = make_token(user=full, name="pull", scopes=["releases:read"])

    def status(secret: str, place: str) -> Any:
        answer = Client().get(place, headers={"Authorization": f"Bearer {secret}"})
        return answer.status_code

    assert status(other, "/api/v1/requests/") == status(pull, "/api/v1/releases/") == 200
    Authenticator.objects.filter(user=full).delete()
    assert status(pull, "/api/v1/releases/") == 403, "the factor was taken off: its tokens download nothing"
    nowhere = "00000000-0000-0000-0000-000000000007"
    assert status(pull, f"/dicomweb/releases/{nowhere}/studies") == 403
    for person in (plain, full):
        session = with_password_alone(person)
        assert session.get(f"/releases/{nowhere}/download/")["Location"].startswith(reverse("second_step"))
        assert session.get("/api/v1/releases/").status_code == 403
        assert session.get(f"/dicomweb/releases/{nowhere}/studies").status_code == 403


def test_tokens_of_a_hospital_stop_with_its_persons_second_factor() -> None:
    person = member(HospitalFactory.create())
    _, secret = make_token(user=person, name="PACS", scopes=["deliveries:write"])
    assert Client().get("/api/v1/batches/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    Authenticator.objects.filter(user=person).delete()
    refused = Client().get("/api/v1/batches/", headers={"Authorization": f"Bearer {secret}"})
    assert refused.status_code == 403 and "second factor" in refused.json()["detail"]
    with pytest.raises(CannotDo):
        make_token(user=person, name="PACS", scopes=["deliveries:write"])
    assert ApiToken.objects.count() == 1


def test_what_counts_is_done_only_just_after_the_second_step() -> None:
    """The decorator itself: looking is free, acting is not, and htmx is led away as a whole page."""
    done = []

    @recently_proven
    def act(request: Any) -> HttpResponse:
        done.append(request.method)
        return HttpResponse()

    person = UserFactory.create()

    def ask(method: str, client: Client, **headers: str) -> Any:
        request = getattr(RequestFactory(headers=headers), method)(
            "/act/", {"password": "x"} if method == "post" else {}
        )
        request.session, request.user = client.session, person
        return act(request)

    assert ask("get", with_password_alone(person)).status_code == 200
    for client in (with_password_alone(person), proven(person, ago=3600), proven(person, ago=-60)):
        assert ask("post", client)["Location"].startswith(reverse("mfa_reauthenticate"))
        assert "HX-Redirect" in ask("post", client, **{"HX-Request": "true"})
    assert done == ["get".upper()]
    assert ask("post", proven(person, ago=60)).status_code == 200 and done[-1] == "POST"


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_never_leads_elsewhere(place: str) -> None:
    person = UserFactory.create()
    client = proven(person, ago=0)
    assert client.get(reverse("second_step"), {"next": place})["Location"] == reverse("dashboard")
    asked = with_password_alone(person)
    for page in ("mfa_reauthenticate", "account_login"):
        answer = asked.post(reverse(page), {"code": code(SECOND_FACTOR), "next": place})
        assert "evil" not in answer.get("Location", "") and "javascript" not in answer.get("Location", "")


def test_a_password_alone_cannot_take_the_second_factor_off() -> None:
    client = with_password_alone(UserFactory.create())
    for page in ("mfa_deactivate_totp", "mfa_generate_recovery_codes", "mfa_add_webauthn"):
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        for answer in (client.get(reverse(page)), client.post(reverse(page))):
            assert answer["Location"].startswith(reverse("mfa_reauthenticate")), page
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_the_demonstrations_code_works_nowhere_else(settings: Any) -> None:
    person = UserFactory.create()
    with pytest.raises(CannotDo):
        prove_identity(actor=person, password="", code="271828", about=person, refused="x.refused")
    settings.DEMO_CODE = "271828"
    assert prove_identity(actor=person, password="", code="271828", about=person, refused="x.refused") == "totp"
    settings.PRODUCTION = True
    assert "getdata.E012" in {problem.id for problem in checks.production_is_safe(None)}
    with pytest.raises(CannotDo):
        prove_identity(actor=person, password="", code="271828", about=person, refused="x.refused")
