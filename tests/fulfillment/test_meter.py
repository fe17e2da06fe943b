"""The live meter: one count for every page, told to each person as far as they may know it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fulfillment.models import Batch, Fulfillment, Report, SourceFile, SourceFileStatus
from fulfillment.totals import request_totals
from getdata.accounts.models import User
from requests_app.meter import meter_view
from requests_app.models import DatasetRequest
from requests_app.progress import counted
from tests import factories
from tests.factories import HospitalFactory, ReviewerFactory, member
from tests.requests_app.spec.builders import complete
from tests.support.images import image, label, source_file

pytestmark = pytest.mark.django_db


def asked(**parts: Any) -> DatasetRequest:
    return factories.open_request(draft=complete(**parts).model_dump(mode="json"))


def delivery(request: DatasetRequest, images: int = 100, status: str = "open", **offered: Any) -> Batch:
    """A batch of a hospital of its own."""
    made = factories.offer(request, HospitalFactory.create(), images=images, status="accepted", **offered)
    under = Fulfillment.objects.create(offer=made, request=request, hospital=made.hospital)
    return factories.batch(under, status=status, decided_at=timezone.now() if status == "accepted" else None)


def deliver(batch: Batch, **facts: Any) -> Any:
    """One passed image with these facts."""
    made = image(batch, store=False)
    made.facts = {**made.facts, **facts}
    made.save()
    return made


def told(request: DatasetRequest, user: User | None = None) -> dict[str, tuple[int, int, int]]:
    rows = meter_view(request, user).rows
    return {row.check_id: (row.offered, row.received, row.accepted) for row in rows}


def test_deliveries_of_all_hospitals_are_pooled_and_each_sees_its_own_beside_the_whole() -> None:
    request = asked(cohort={"images": {"min": 10}}, quotas=[{"sex": "F", "min": 5}])
    first = delivery(request, status="accepted", cells={"quota.f": 20})
    second = delivery(request, cells={"quota.f": 30})
    for batch, sex in ((first, "F"), (first, "M"), (second, "F")):
        deliver(batch, sex=sex)
    staff = ReviewerFactory.create()
    assert told(request, staff) == {"cohort.images": (200, 3, 2), "quota.f": (50, 2, 1)}
    own = {row.check_id: row.own for row in meter_view(request, member(first.fulfillment.hospital)).rows}
    assert [(s.offered, s.received, s.accepted) for s in own.values() if s] == [(100, 2, 2), (20, 1, 1)]
    assert all(row.own is None for row in meter_view(request, staff).rows)


def test_what_is_still_useful_is_said_in_words() -> None:
    cell = {"sex": "F", "age_min": 66, "view": "AP", "position": "supine"}
    request = asked(cohort={"images": {"min": 2}}, quotas=[{**cell, "min": 39}, {"sex": "F", "min": 1}])
    deliver(delivery(request), sex="F", age_years=70.0, view="AP", position="supine")
    view = meter_view(request)
    assert [(line.counted, line.text) for line in view.useful] == [
        ("38 images", "Female, aged 66 and over, AP supine"),
    ]
    page = Client().get(request.get_absolute_url()).content.decode()
    assert "<b>38 images</b> <span>Female, aged 66 and over, AP supine</span>" in page


def test_when_every_line_is_filled_that_is_said() -> None:
    request = asked(cohort={"images": {"min": 1}})
    deliver(delivery(request))
    assert meter_view(request).filled
    assert "Every line has what it needs" in Client().get(request.get_absolute_url()).content.decode()


def test_a_quota_of_one_hospital_is_filled_by_its_public_short_name() -> None:
    request = asked(cohort={"images": {"min": 1}})
    batch = delivery(request)
    slug = batch.fulfillment.hospital.slug
    again = asked(cohort={"images": {"min": 1}}, quotas=[{"site": slug, "min": 1}, {"site": "elsewhere", "min": 1}])
    Fulfillment.objects.filter(pk=batch.fulfillment_id).update(request=again)
    deliver(batch)
    counts = told(again)
    assert counts[f"quota.site-{slug}"][1] == 1
    assert counts["quota.site-elsewhere"][1] == 0


def test_the_public_is_not_told_what_one_hospital_offers() -> None:
    cells = [{"sex": "F", "min": 500}, {"sex": "M", "min": 500}, {"view": "AP", "min": 5}]
    request = asked(cohort={"images": {"min": 10}}, quotas=cells)
    delivery(request, images=137, cells={"quota.f": 64, "quota.ap": 7})
    rows = {row.check_id: row for row in meter_view(request).rows}
    assert (rows["cohort.images"].offered, rows["cohort.images"].offered_word) == (130, "about 130")
    assert (rows["quota.f"].offered, rows["quota.f"].offered_word) == (60, "about 60")
    assert (rows["quota.ap"].offered, rows["quota.ap"].offered_word) == (0, "under 11")
    assert (rows["quota.m"].offered, rows["quota.m"].offered_word) == (0, "")
    page = Client().get(request.get_absolute_url()).content.decode()
    words = re.sub(
        r"<[^>]*>|(Group|Hospital|Request) \d+", " ", page
    )  # what a number in a name or a token says is no count
    assert "about 130" in words and not re.search(r"\b137\b", words)
    said = Client().get(reverse("api-request-meter", args=[request.slug])).json()
    assert not said["exact"] and said["rows"][0]["offered"] == 130
    detail = Client().get(reverse("api-request-detail", args=[request.slug])).json()
    assert detail["meter"][0]["offered"] == 130
    researcher = member(request.organization)
    assert told(request, researcher)["cohort.images"][0] == 137
    for _ in range(2):
        delivery(request, images=100, cells={"quota.f": 64})
    rows = {row.check_id: row for row in meter_view(request).rows}
    assert (rows["quota.f"].offered, rows["quota.f"].offered_word) == (192, "")


def test_an_image_counts_in_one_quota_where_the_request_says_so() -> None:
    findings = ("Pleural effusion", "Pneumonia")
    cells = [{"finding": name, "min": 2} for name in findings]
    every = asked(cohort={"images": {"min": 1}}, quotas=cells)
    once = asked(cohort={"images": {"min": 1}}, quotas=cells, quota_counting="once")
    for request, expected in ((every, [2, 2]), (once, [2, 0])):
        batch = delivery(request)
        for _ in range(2):
            made = deliver(batch)
            for name in findings:
                label(made, name)
        rows = [row.received for row in meter_view(request).rows if row.kind == "cell"]
        assert rows == expected
    assert "counts in one of them only" in Client().get(once.get_absolute_url()).content.decode()


def test_what_one_acceptance_filled_the_next_does_not_take_away() -> None:
    """The patient first fills the second quota; the batch that is accepted next would have let them fill the first."""
    cells = [{"view": view, "unit": "patients", "min": 1} for view in ("AP", "PA")]
    request = asked(cohort={"images": {"min": 1}}, quotas=cells, quota_counting="once")
    batch = delivery(request, status="accepted")
    deliver(batch, view="PA", patient="P1")
    assert told(request)["quota.pa.patients"] == (0, 1, 1)
    later = factories.batch(batch.fulfillment, status="accepted", decided_at=timezone.now() + timedelta(hours=1))
    deliver(later, view="AP", patient="P1")
    after = told(request)
    assert (after["quota.ap.patients"], after["quota.pa.patients"]) == ((0, 0, 0), (0, 1, 1))


def test_accepted_is_never_more_than_received() -> None:
    request = asked(cohort={"images": {"min": 5}}, quotas=[{"sex": "F", "min": 2}, {"view": "PA", "min": 2}],
                    quota_counting="once")  # fmt: skip
    for status in ("accepted", "open", "accepted"):
        batch = delivery(request, status=status)
        for sex in "FFM":
            deliver(batch, sex=sex, view="PA")
    assert all(accepted <= received for _, received, accepted in told(request).values())


# --- asked again and again ------------------------------------------------------------------------------------------------


def test_an_unchanged_meter_is_answered_with_304_and_two_queries() -> None:
    request = asked(cohort={"images": {"min": 10}})
    deliver(delivery(request))
    address = reverse("request_meter", args=[request.slug])
    client = Client()
    first = client.get(address)
    assert first.status_code == 200
    assert "no-cache" in first["Cache-Control"]
    assert 'id="meter-total"' in first.content.decode() and 'id="meter-cells"' in first.content.decode()
    with CaptureQueriesContext(
        connection,
    ) as asked_of_it:
        again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert len(asked_of_it) <= 2, [query["sql"] for query in asked_of_it]


def test_the_answer_changes_when_a_file_has_come_and_some_seconds_have_passed() -> None:
    request = asked(cohort={"images": {"min": 10}})
    batch = delivery(request)
    client, address = Client(), reverse("request_meter", args=[request.slug])
    before = client.get(address)
    deliver(batch)
    waiting = client.get(address, headers={"If-None-Match": before["ETag"]})
    assert waiting.status_code == 304
    cache.clear()  # the seconds have passed
    after = client.get(address, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert "0 of 10 images accepted, 1 received." in after.content.decode()


def test_a_withdrawn_file_is_no_longer_counted() -> None:
    request = asked(cohort={"images": {"min": 10}})
    made = deliver(delivery(request))
    assert counted(request).rows[0].received == 1  # type: ignore[union-attr]
    SourceFile.objects.filter(pk=made.source_id).update(status=SourceFileStatus.WITHDRAWN)
    assert counted(request).rows[0].received == 0  # type: ignore[union-attr]


def test_a_hospital_is_answered_with_its_own_share_and_a_stranger_with_another_tag() -> None:
    request = asked(cohort={"images": {"min": 10}})
    batch = delivery(request, images=42)
    client = Client()
    client.force_login(member(batch.fulfillment.hospital))
    address = reverse("request_meter", args=[request.slug])
    mine, public = client.get(address), Client().get(address)
    assert mine["ETag"] != public["ETag"]
    rows = client.get(reverse("api-request-meter", args=[request.slug])).json()["rows"]
    assert rows[0]["own"] == {"offered": 42, "received": 0, "accepted": 0}


def test_a_draft_has_no_meter_for_others_and_an_empty_one_for_its_author() -> None:
    draft = factories.RequestFactory.create()
    address = reverse("request_meter", args=[draft.slug])
    assert Client().get(address).status_code == 404
    client = Client()
    client.force_login(member(draft.organization))
    assert client.get(address).status_code == 200
    said = client.get(reverse("api-request-meter", args=[draft.slug])).json()
    assert (said["rows"], said["version"], said["filled"]) == ([], 0, False)


def test_the_api_answers_304_too_and_names_what_is_useful() -> None:
    request = asked(cohort={"images": {"min": 10}}, quotas=[{"sex": "F", "min": 5}])
    address = reverse("api-request-meter", args=[request.slug])
    first = Client().get(address)
    assert first.json()["useful"] == [{"check_id": "quota.f", "count": 5, "unit": "images", "text": "Female"}]
    assert Client().get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_a_closed_request_is_not_asked_about_again() -> None:
    request = asked(cohort={"images": {"min": 10}})
    assert "data-live=" in Client().get(request.get_absolute_url()).content.decode()
    DatasetRequest.objects.filter(pk=request.pk).update(status="closed")
    page = Client().get(request.get_absolute_url()).content.decode()
    assert 'id="meter-total"' in page
    assert "data-live=" not in page and "live-meter.js" not in page


def test_where_reports_are_required_lists_and_the_meter_count_the_same() -> None:
    request = asked(cohort={"images": {"min": 10}}, reports={"linkage": "required"})
    batch = delivery(request, status="accepted")
    first, _ = deliver(batch), deliver(batch)
    assert told(request, ReviewerFactory.create())["cohort.images"][1:] == (0, 0)
    Report.objects.create(
        batch=batch,
        study=first.series.study,
        source=source_file(batch, kind="reports"),
        row=2,
        state="linked",
        text="x",
    )
    cache.clear()
    assert told(request, ReviewerFactory.create())["cohort.images"][1:] == (1, 1)
    (totals,) = request_totals([request.pk]).values()
    assert (totals.received, totals.accepted) == (1, 1)
    other = asked(cohort={"images": {"min": 10}})
    deliver(delivery(other))
    assert request_totals([request.pk, other.pk])[other.pk].received == 1
