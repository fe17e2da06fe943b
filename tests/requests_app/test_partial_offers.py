"""Offers with deviations, accepted in part over several hospitals, compared, and counted before by cells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import Organization, Role
from getdata.common.problems import CannotDo
from requests_app.feasibility import Counts
from requests_app.forms.deals import CountsForm, OfferForm
from requests_app.meter import meter_rows
from requests_app.models import Agreement, DatasetRequest, Feasibility, Offer
from requests_app.offer_table import offer_table
from requests_app.services import agreements, offers
from requests_app.services.feasibility import record_feasibility
from requests_app.spec import DatasetSpec
from tests.factories import HospitalFactory, member
from tests.requests_app.people import Market, document


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def refused(code: str, call: Any, **arguments: Any) -> CannotDo:
    with pytest.raises(CannotDo) as caught:
        call(**arguments)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value


def offer_of(request: DatasetRequest, hospital: Organization | None = None, **changes: Any) -> Offer:
    hospital = hospital or HospitalFactory.create()
    given = {"images": 2000, "patients": 900, "cells": {"projection.ap": 1500, "projection.pa": 500}, **changes}
    return offers.submit_offer(request=request, hospital=hospital, actor=member(hospital), **given)


# --- deviations ---------------------------------------------------------------------------------------------------------


def test_an_offer_says_where_it_deviates(market: Market) -> None:
    differs = {"label.pneumothorax": {"text": " No masks. ", "percent": 30}, "projection.ap": {"text": "Semi-erect"}}
    made = offer_of(market.open(), deviations=differs)
    assert made.deviations == {
        "label.pneumothorax": {"text": "No masks.", "percent": 30},
        "projection.ap": {"text": "Semi-erect", "percent": None},
    }


@pytest.mark.parametrize(
    ("code", "deviations"),
    [
        ("unknown_line", {"quota.of.another": {"text": "x"}}),
        ("deviation_text", {"projection.ap": {"text": "  "}}),
        ("deviation_text", {"projection.ap": {"text": "x" * 501}}),
        ("deviation_percent", {"projection.ap": {"text": "x", "percent": 0}}),
        ("deviation_percent", {"projection.ap": {"text": "x", "percent": True}}),
    ],
)
def test_a_deviation_that_cannot_be_meant_is_refused(market: Market, code: str, deviations: Any) -> None:
    refused(code, offer_of, request=market.open(), deviations=deviations)
    assert not Offer.objects.exists()


def test_the_form_takes_deviations_terms_and_dates_and_the_page_shows_them(market: Market) -> None:
    request, client = market.open(), signed_in(market.manager)
    url = reverse("offer_new", args=[request.slug])
    posted = {"hospital": market.hospital.pk, "images": 900, "patients": 500, "terms": "Named in the acknowledgements."}
    form = OfferForm(hospitals=[market.hospital], spec=DatasetSpec.model_validate(request.draft))
    number = [check_id for check_id, _, _ in form.differing].index("label.pneumothorax")
    incomplete = client.post(url, {**posted, f"percent-{number}": 30})
    assert "Say what differs for this share" in incomplete.content.decode()
    assert client.post(url, {**posted, f"percent-{number}": 30, f"differs-{number}": "No masks"}).status_code == 302
    shown = signed_in(market.researcher).get(Offer.objects.get().get_absolute_url()).content.decode()
    for words in ("No masks", "30 %", "Named in the acknowledgements."):
        assert words in shown


# --- a part of several offers -------------------------------------------------------------------------------------------


def test_a_part_is_accepted_and_the_agreement_and_the_meter_count_it(market: Market) -> None:
    request = market.open()
    made = offer_of(request, market.hospital)
    agreement = agreements.draw_agreement(
        offer=made, actor=market.researcher, images=700, patients=300, cells={"projection.ap": 600}
    )
    made.refresh_from_db()
    assert (made.counted_images, made.counted_patients, made.counted_cells) == (700, 300, {"projection.ap": 600})
    assert made.is_partly_agreed
    assert "700 images of 300 patients" in agreement.text
    assert "AP: 600 images" in agreement.text
    rows = {row.check_id: row.offered for row in meter_rows(request)}
    assert (rows["cohort.images"], rows["projection.ap"], rows["projection.pa"]) == (700, 600, 0)


def test_without_numbers_the_whole_offer_is_accepted(market: Market) -> None:
    made = offer_of(market.open(), market.hospital)
    agreements.draw_agreement(offer=made, actor=market.researcher)
    made.refresh_from_db()
    assert made.agreed == {"images": 2000, "patients": 900, "cells": made.cells}
    assert not made.is_partly_agreed


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("more_than_offered", {"images": 2001}),
        ("more_than_offered", {"patients": 901}),
        ("more_than_offered", {"cells": {"projection.ap": 1501}}),
        ("more_than_offered", {"cells": {"quota.of.another": 1}}),
        ("patients_out_of_range", {"images": 100, "patients": 200}),
        ("cell_out_of_range", {"images": 100, "cells": {"projection.ap": 101}}),
    ],
)
def test_no_more_is_accepted_than_is_offered(market: Market, code: str, part: dict[str, Any]) -> None:
    made = offer_of(market.open(), market.hospital)
    refused(code, agreements.draw_agreement, offer=made, actor=market.researcher, **part)
    assert not Agreement.objects.exists()


def test_offers_of_several_hospitals_together_stay_within_the_maximum(market: Market) -> None:
    changed = document()
    changed["cohort"]["images"]["max"] = 3500
    request = market.open(cohort=changed["cohort"])
    first, second = offer_of(request), offer_of(request)
    agreements.draw_agreement(offer=first, actor=market.researcher)
    problem = refused("more_than_needed", agreements.draw_agreement, offer=second, actor=market.researcher)
    assert "at most 1,500" in problem.remedy
    agreements.draw_agreement(offer=second, actor=market.researcher, images=1500)
    second.refresh_from_db()
    assert second.counted_cells == {"projection.ap": 1500, "projection.pa": 500}
    offers.withdraw_offer(offer=first, actor=first.created_by)  # what is withdrawn takes no room
    third = offer_of(request)
    agreements.draw_agreement(offer=third, actor=market.researcher)


def test_the_table_adds_offers_up_line_by_line_and_says_what_is_missing(market: Market) -> None:
    request = market.open()
    first = offer_of(request, deviations={"projection.ap": {"text": "Semi-erect", "percent": 10}})
    offer_of(request, images=500, patients=100, cells={"projection.ap": 300})
    agreements.draw_agreement(offer=first, actor=market.researcher, images=1000, cells={"projection.ap": 900})
    lines = {line.check_id: line for line in offer_table(request).lines}
    ap = lines["projection.ap"]
    assert [(part.offered, part.agreed) for part in ap.parts] == [(1500, 900), (300, None)]
    assert (ap.needed, ap.together, ap.missing, ap.agreed, ap.open) == (2000, 1200, 800, 900, 1100)
    assert lines["projection.pa"].together == 0
    assert ap.parts[0].deviation is not None
    assert ap.parts[0].deviation.said == "10 %: Semi-erect"
    page = signed_in(market.researcher).get(reverse("offers_compare", args=[request.slug])).content.decode()
    for words in ("of 1,500 offered", "10 %: Semi-erect", "everything as asked"):
        assert words in page


def test_the_table_is_for_who_asked_and_for_staff(market: Market) -> None:
    request = market.offer().request
    url = reverse("offers_compare", args=[request.slug])
    assert signed_in(market.reviewer).get(url).status_code == 200
    for person in (market.manager, market.stranger, market.other):
        assert signed_in(person).get(url).status_code == 404
    assert signed_in(market.researcher).get(reverse("offers_compare", args=[market.draft().slug])).status_code == 404


def test_a_part_is_accepted_on_the_page(market: Market) -> None:
    made = offer_of(market.open(), market.hospital)
    client = signed_in(market.researcher)
    assert 'name="part-0"' in client.get(made.get_absolute_url()).content.decode()
    answer = client.post(reverse("agreement_draw", args=[made.pk]), {"images": "400", "patients": "", "part-0": "x"})
    assert answer.url == made.get_absolute_url()
    assert not Agreement.objects.exists()
    client.post(reverse("agreement_draw", args=[made.pk]), {"images": "400", "patients": "300", "part-0": "250"})
    made.refresh_from_db()
    assert (made.counted_images, sorted(made.counted_cells.values())) == (400, [250])


def test_lines_left_as_offered_shrink_with_the_images_accepted(market: Market) -> None:
    made = offer_of(market.open(), market.hospital)
    posted = {"images": "400", "patients": str(made.patients)}
    posted |= {f"part-{i}": str(made.cells[key]) for i, key in enumerate(("projection.ap", "projection.pa"))}
    signed_in(market.researcher).post(reverse("agreement_draw", args=[made.pk]), posted)
    made.refresh_from_db()
    assert made.agreed == {"images": 400, "patients": 400, "cells": {"projection.ap": 400, "projection.pa": 400}}


# --- counts before an offer ---------------------------------------------------------------------------------------------


def count(market: Market, request: DatasetRequest, counts: dict[str, Any], **changes: Any) -> Feasibility:
    version = request.current_version
    assert version is not None
    given = {"request": request, "hospital": market.hospital, "source": "file", "actor": market.manager, **changes}
    sha = given.pop("sha", version.sha256)
    return record_feasibility(counts=Counts(spec_sha256=sha, counts=counts), **given)


def test_small_cells_are_never_kept(market: Market) -> None:
    made = count(market, market.open(), {"cohort.images": 3000, "projection.ap": 2000, "projection.ap.supine": 7})
    assert made.counts["projection.ap.supine"] == "<11"
    assert made.counts["cohort.images"] == 3000
    assert "7" not in json.dumps(list(Feasibility.objects.get().counts.values())).split()


@pytest.mark.parametrize(
    ("code", "counts", "changes"),
    [
        ("other_specification", {"projection.ap": 5}, {"sha": "0" * 64}),
        ("unknown_line", {"quota.of.another": 50}, {}),
        ("nothing_counted", {}, {}),
        ("more_than_all", {"cohort.images": 100, "projection.ap": 101}, {}),
    ],
)
def test_counts_that_cannot_be_meant_are_refused(market: Market, code: str, counts: Any, changes: Any) -> None:
    refused(code, count, market=market, request=market.open(), counts=counts, **changes)


def test_counts_are_the_hospitals_alone_until_an_offer_rests_on_them(market: Market) -> None:
    request = market.open()
    made = count(market, request, {"cohort.images": 900, "projection.ap": 700})
    url = made.get_absolute_url()
    assert signed_in(market.manager).get(url).status_code == 200
    for person in (market.researcher, market.stranger, market.other):
        assert signed_in(person).get(url).status_code == 404
    market.offer(request, feasibility=made)
    assert signed_in(market.researcher).get(url).status_code == 200
    assert signed_in(market.other).get(url).status_code == 404
    theirs = HospitalFactory.create()
    refused("other_counts", offer_of, request=request, hospital=theirs, feasibility=made)


def test_counts_typed_in_fill_in_the_offer(market: Market) -> None:
    request, client = market.open(), signed_in(market.manager)
    url = reverse("feasibility_new", args=[request.slug])
    assert "You have" in client.get(url).content.decode()
    form = CountsForm(hospitals=[market.hospital], spec=DatasetSpec.model_validate(request.draft))
    ids = [line.check_id for line in form.lines]
    posted = {"hospital": market.hospital.pk, f"count-{ids.index('cohort.images')}": 1234}
    posted |= {f"count-{ids.index('projection.ap')}": 987, f"count-{ids.index('projection.ap.supine')}": 3}
    answer = client.post(url, posted)
    made = Feasibility.objects.get()
    assert answer.url == made.get_absolute_url()
    shown = client.get(answer.url).content.decode()
    assert "fewer than 11" in shown
    page = client.get(f"{reverse('offer_new', args=[request.slug])}?counts={made.pk}").content.decode()
    assert 'value="1234"' in page
    assert 'value="987"' in page
    client.post(
        f"{reverse('offer_new', args=[request.slug])}?counts={made.pk}",
        {"hospital": market.hospital.pk, "images": 1234, "patients": 100},
    )
    assert Offer.objects.get().feasibility == made


def test_a_file_of_counts_is_read_and_a_bad_one_says_why(market: Market) -> None:
    request, client = market.open(), signed_in(market.manager)
    url = reverse("feasibility_new", args=[request.slug])
    template = client.get(reverse("feasibility_template", args=[request.slug])).content.decode()
    filled = template.replace("projection.ap,,", "projection.ap,640,")
    bad = SimpleUploadedFile("c.csv", b"nonsense")
    answer = client.post(url, {"by_file": "1", "file-hospital": market.hospital.pk, "file-file": bad})
    assert "Start from the template" in answer.content.decode()
    good = SimpleUploadedFile("c.csv", filled.encode())
    client.post(url, {"by_file": "1", "file-hospital": market.hospital.pk, "file-file": good})
    made = Feasibility.objects.get()
    assert made.counts == {"projection.ap": 640}
    assert client.get(f"{made.get_absolute_url()}?as=json").json()["counts"] == {"projection.ap": 640}


def test_the_api_counts_offers_with_deviations_and_accepts_a_part(market: Market) -> None:
    request, client = market.open(), signed_in(market.manager)
    version = request.current_version
    assert version is not None
    body = {"request": request.slug, "hospital": market.hospital.slug}
    document = {"spec_sha256": version.sha256, "counts": {"cohort.images": 800, "projection.ap": 4}}
    made = client.post("/api/v1/feasibilities/", {**body, "document": document}, "application/json").json()
    assert made["counts"] == {"cohort.images": 800, "projection.ap": "<11"}
    wrong = client.post("/api/v1/feasibilities/", {**body, "document": {"counts": 1}}, "application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "counts_unreadable")
    offer = client.post(
        "/api/v1/offers/",
        {**body, "images": 800, "feasibility": made["id"], "deviations": {"projection.ap": {"text": "few"}}},
        "application/json",
    ).json()
    assert offer["deviations"] == {"projection.ap": {"text": "few", "percent": None}}
    asker = signed_in(market.researcher)
    drawn = asker.post(f"/api/v1/offers/{offer['id']}/agreement/", {"images": 300}, "application/json")
    assert drawn.status_code == 201
    assert asker.get(f"/api/v1/offers/{offer['id']}/").json()["agreed"]["images"] == 300


@pytest.mark.parametrize("role", [Role.VIEWER, Role.READER, Role.PRIVACY_OFFICER])
def test_a_role_without_writing_hands_in_no_counts(market: Market, role: str) -> None:
    person = member(market.hospital, role)
    refused(
        "role_lacks_capability", count, market=market, request=market.open(), counts={"cohort.images": 50}, actor=person
    )
