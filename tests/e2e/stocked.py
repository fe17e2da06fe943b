"""``python -m tests.e2e.stocked``: a portal in which every main page has something to show, made by the services.

Prints JSON: how to sign in, and which addresses each role opens. Files are processed here, without a worker.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from typing import Any

import django

FILES = {"accepted": 3, "waiting": 2, "open": 1}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    os.environ["CELERY_TASK_ALWAYS_EAGER"] = "1"
    django.setup()
    from tests.e2e import people

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        people.main()
    cast = json.loads(printed.getvalue().strip().splitlines()[-1])
    print(json.dumps({**cast, "pages": _stock(cast)}))


def _stock(cast: dict[str, Any]) -> dict[str, list[str]]:
    from django.utils import timezone

    from fulfillment.services import releases, reviews
    from getdata.accounts import services as accounts
    from getdata.accounts.checklist import checks_for
    from getdata.accounts.models import Organization, User
    from requests_app.services import offers, questions
    from requests_app.services import requests as asking
    from requests_app.spec import example_specs, spec_document
    from tests import factories
    from tests.support import images

    who = {role: User.objects.get(email=person["email"]) for role, person in cast["people"].items()}
    where = {role: Organization.objects.get(slug=slug) for role, slug in cast["organizations"].items()}

    examples = [spec_document(spec) for spec in example_specs(today=timezone.localdate()).values()]
    written = [
        asking.create_request(
            organization=where["researcher"],
            title=document["title"],
            category=document["category"],
            document=document,
            actor=who["researcher"],
        )
        for document in [_document(), examples[0], examples[1]]
    ]
    wanted, draft, submitted = written
    asking.submit_request(request=submitted, actor=who["researcher"])
    asking.submit_request(request=wanted, actor=who["researcher"])
    wanted.refresh_from_db()
    wanted = asking.open_request(request=wanted, actor=who["reviewer"])
    question = questions.ask_question(
        request=wanted, text="Are storage phosphor plates welcome?", actor=who["hospital_b"]
    )
    questions.answer_question(question=question, text="Yes, if the short side is long enough.", actor=who["researcher"])
    questions.ask_question(request=wanted, text="May the lateral view come along?", actor=who["outsider"])

    offer = offers.submit_offer(
        request=wanted, hospital=where["hospital_b"], images=20, patients=11, actor=who["hospital_b"]
    )
    fulfillment = _agreed(wanted, who, where, cast)
    batches = {name: _batch(fulfillment, name, count, who["hospital_a"]) for name, count in FILES.items()}
    _send(batches["open"], b"\x00" * 128 + b"DICM" + b"cut off in the middle", "PAT00000/IM900002")
    _seal(batches["accepted"], who["hospital_a"])
    claimed = reviews.claim_batch(batch=batches["accepted"], actor=who["reviewer"])
    images.looked_at(claimed, who["reviewer"])
    reviews.accept_batch(batch=claimed, actor=who["reviewer"], summary="Looked at every image.")
    _seal(batches["waiting"], who["hospital_a"])
    reviews.claim_batch(batch=batches["waiting"], actor=who["reviewer"])
    release = releases.prepare_release(request=wanted, actor=who["reviewer"])
    release.refresh_from_db()
    releases.publish_release(release=release, actor=who["administrator"])

    newcomer = factories.UserFactory.create(name="Tom Adler")
    group = accounts.create_organization(kind="research_group", name="Lumen Imaging", country="DE", actor=newcomer)
    for check in checks_for(group.kind):
        answer = "Sam Example, privacy@lumen.example" if check.form == "contact" else "An answer that can be looked up."
        accounts.save_evidence(organization=group, key=check.key, evidence=answer, actor=newcomer)
    accounts.submit_organization(organization=group, actor=newcomer)

    everybody = [
        "/dashboard/",
        "/notifications/",
        "/account/",
        "/organizations/",
        "/requests/",
        "/batches/",
        "/deliveries/",
        "/releases/",
    ]
    grant = release.grants.get().get_absolute_url()
    request, delivery, package = wanted.get_absolute_url(), f"/deliveries/{fulfillment.pk}/", f"/releases/{release.pk}/"
    return {
        "visitor": [
            "/", "/requests/", request, "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/",
            "/api/docs/", "/how-de-identification-works/", "/nowhere/",
        ],
        "researcher": [
            *everybody, "/my/requests/", "/requests/new/", f"{draft.get_absolute_url()}edit/",
            f"{draft.get_absolute_url()}edit/quotas/", "/requests/templates/", draft.get_absolute_url(),
            request, f"{request}edit/", "/offers/", offer.get_absolute_url(), f"{request}offers/",
            fulfillment.offer.agreement.get_absolute_url(),
            delivery, package, f"{package}attest/", f"{package}custody/", grant,
            "/organizations/institute/", "/organizations/institute/members/", "/account/tokens/new/",
            "/notifications/preferences/", "/organizations/institute/webhooks/", f"{offer.get_absolute_url()}messages/",
            f"{request}questions/",
        ],
        "hospital_a": [
            *everybody, delivery, f"{delivery}batches/new/", *(f"/batches/{batch.pk}/" for batch in batches.values()),
            f"/batches/{batches['open'].pk}/seal/", "/matches/", "/organizations/clinic-a/capabilities/",
            "/organizations/clinic-a/", "/organizations/clinic-a/history/", "/organizations/clinic-a/openings/",
        ],
        "hospital_b": ["/offers/", offer.get_absolute_url(), request, f"{request}offer/", f"{request}counts/", "/organizations/new/"],
        "reviewer": [
            *everybody, "/review/", f"/review/batches/{batches['waiting'].pk}/",
            *(f"/review/batches/{batches['waiting'].pk}/{tab}/" for tab in ("de-identification", "quality", "decision")),
            f"/review/batches/{batches['accepted'].pk}/evidence/", submitted.get_absolute_url(), "/verification/",
            f"/organizations/{group.slug}/", package, "/organizations/clinic-a/openings/",
        ],
        "administrator": ["/dashboard/", "/review/", package],
    }  # fmt: skip


def _document() -> dict[str, Any]:
    from tests.e2e.request_document import document

    return {**document(), "cohort": {"images": {"min": 40}, "patients": {"min": 20}}}


def _agreed(wanted: Any, who: dict[str, Any], where: dict[str, Any], cast: dict[str, Any]) -> Any:
    """Offer, agreement and both signatures of hospital A; returns the fulfillment."""
    from fulfillment.models import Fulfillment
    from requests_app.services import agreements, offers

    offer = offers.submit_offer(
        request=wanted, hospital=where["hospital_a"], images=30, patients=15, actor=who["hospital_a"]
    )
    agreement = agreements.draw_agreement(offer=offer, actor=who["researcher"])
    for party in ("researcher", "hospital_a"):
        agreements.sign_agreement(
            agreement=agreement,
            organization=where[party],
            printed_name=who[party].name,
            password=cast["password"],
            actor=who[party],
        )
    return Fulfillment.objects.select_related("offer__agreement").get(hospital=where["hospital_a"])


def _batch(fulfillment: Any, name: str, count: int, actor: Any) -> Any:
    from fulfillment.services import batches
    from tests.support.staging import small_radiograph

    batch = batches.create_batch(fulfillment=fulfillment, name=f"The {name} batch", actor=actor)
    for number in range(count):
        seed = 10 * batch.number + number
        view, sex = ("PA", "F") if number % 2 else ("AP", "M")
        data = small_radiograph(seed, side=900, ViewPosition=view, PatientSex=sex)
        _send(batch, data, f"PAT{seed:05d}/STU00001/IM{number:06d}")
    return batch


def _send(batch: Any, data: bytes, name: str) -> None:
    from tests.support.staging import stage

    stage(batch, data, name)


def _seal(batch: Any, actor: Any) -> None:
    from fulfillment.services import batches

    batches.seal_batch(batch=batch, actor=actor)
    batch.refresh_from_db()


if __name__ == "__main__":
    main()
