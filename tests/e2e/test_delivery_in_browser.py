"""The whole path by clicking: forty radiographs of two hospitals from a request to a release, each person at a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import package_checks as package
from tests.e2e.browser import Camera, chromium
from tests.e2e.portal import ROOT, Portal
from tests.e2e.scenes_agreement import (
    hospital_makes_an_offer,
    hospital_signs,
    researcher_draws_up_the_agreement_and_signs,
    researcher_registers_an_organization,
    researcher_signs_up,
    researcher_writes_a_request,
    reviewer_opens_the_request,
    reviewer_verifies_it,
    visitor_opens_the_front_page,
    visitor_reads_the_request,
)
from tests.e2e.scenes_delivery import (
    batch_settles_before_the_eyes,
    everybody_sees_how_far_it_is,
    hospital_begins_a_batch,
    hospital_seals,
    hospital_uploads_an_archive,
    hospital_uploads_its_folder,
    hospital_withdraws_the_file_and_reseals,
    nobody_else_may,
    researcher_downloads,
    results_name_cause_and_remedy,
    reviewer_accepts,
    reviewer_prepares_the_release,
    reviewer_returns_with_a_note,
    second_person_publishes,
)
from tests.e2e.stage import HOSPITALS, Stage
from tests.support.corpus import Delivery
from tests.support.leaks import LeakFinder

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture
def stage(portal: Portal) -> Iterator[Stage]:
    with chromium() as browser:
        yield Stage(browser, portal, Camera(ROOT / "docs" / "screenshots"))


def test_forty_radiographs_travel_from_request_to_release_by_clicking(
    stage: Stage, delivery: Delivery, tmp_path: Path
) -> None:
    with stage.pictures_of_a_failure(tmp_path):
        carry_the_delivery(stage, delivery, tmp_path)


def carry_the_delivery(stage: Stage, delivery: Delivery, tmp_path: Path) -> None:
    visitor_opens_the_front_page(stage)
    researcher_signs_up(stage)
    researcher_registers_an_organization(stage)
    reviewer_verifies_it(stage)
    researcher_writes_a_request(stage)
    reviewer_opens_the_request(stage)
    visitor_reads_the_request(stage)

    sides = dict(zip(HOSPITALS, delivery.hospitals, strict=True))
    for role in HOSPITALS:
        hospital_makes_an_offer(stage, role, images=sum(f.kind == "image" for f in sides[role].files))
        researcher_draws_up_the_agreement_and_signs(stage, role)
        hospital_signs(stage, role)
        hospital_begins_a_batch(stage, role)
    hospital_uploads_its_folder(stage, "hospital_a", sides["hospital_a"])
    hospital_uploads_an_archive(stage, "hospital_b", sides["hospital_b"], tmp_path)
    passed = 0
    for role in HOSPITALS:
        batch_settles_before_the_eyes(stage, role, live=role == "hospital_a")
        passed += results_name_cause_and_remedy(stage, role, sides[role])
        hospital_seals(stage, role)
    wanted = sum(file.expectation == "released" for file in delivery.files)
    assert passed >= 0.95 * wanted, f"{passed} of {wanted} images passed"

    reviewer_accepts(stage, HOSPITALS["hospital_a"], names=[file.relative for file in sides["hospital_a"].files])
    reviewer_returns_with_a_note(stage, HOSPITALS["hospital_b"])
    hospital_withdraws_the_file_and_reseals(stage, "hospital_b")
    reviewer_accepts(stage, HOSPITALS["hospital_b"], names=[file.relative for file in sides["hospital_b"].files])
    reviewer_prepares_the_release(stage, images=passed - 1)
    second_person_publishes(stage)
    archive = researcher_downloads(stage)
    nobody_else_may(stage)
    everybody_sees_how_far_it_is(stage)

    bag = package.unpack(archive, tmp_path / "package")
    package.assert_valid_bag(bag)
    package.assert_no_identity(archive, delivery)
    counts = package.assert_images_are_the_delivered_ones(bag, delivery)
    assert counts["images"] == passed - 1 == len(package.read_table(bag, "images.csv"))
    assert counts["burned"] >= 1, "the delivery was meant to hold burned-in text"
    assert package.read_table(bag, "labels.csv")

    named = [item for item in delivery.planted if item.everywhere]
    assert LeakFinder(named).find(stage.portal.everything_logged(), where="log") == []
    stage.portal.manage("manage.py", "verify_audit")
    assert [line for person in stage.at.values() for line in person.complaints] == []
