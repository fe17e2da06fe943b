"""The label lists as pages: every finding with its meaning, its codes and its names elsewhere."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.urls import reverse

from requests_app.taxonomy import TAXONOMY_NAMES, get_taxonomy
from requests_app.views.taxonomies import finding_rows
from tests.factories import open_request
from tests.requests_app.spec.builders import complete
from tests.support.pages import problems


def page(address: str) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.mark.django_db
@pytest.mark.parametrize("name", TAXONOMY_NAMES)
def test_a_list_shows_every_finding_with_its_definition_and_its_codes(name: str) -> None:
    address = reverse("taxonomy_detail", args=[name])
    text = page(address)
    for finding in get_taxonomy(name).findings:
        assert f'id="{finding.key}"' in text
        assert finding.definition in text
        for code in finding.codes:
            assert (code.code in text) if code.usable else ("looked for, none confirmed" in text)
    assert problems(Client().get(address).content.decode()) == []


def test_mappings_read_from_the_other_list() -> None:
    rows = {row.finding.key: row for row in finding_rows("getdata-cxr")}
    links = {(link.taxonomy.name, link.finding.name): link.relation for link in rows["rib_fracture"].links}
    assert links[("chexpert-14", "Fracture")] == "wider"
    assert links[("padchest-subset", "callus rib fracture")] == "narrower"
    assert links[("vindr-cxr", "Rib fracture")] == "the same"
    assert ("nih-chestxray14", "Fracture") not in links


def test_local_and_global_labels_of_vindr_are_told_apart() -> None:
    scopes = [row.scope for row in finding_rows("vindr-cxr")]
    assert (scopes.count("marked on the image"), scopes.count("of the whole image")) == (22, 6)


@pytest.mark.django_db
def test_the_lists_are_found_from_the_footer_and_from_a_request() -> None:
    lists = page(reverse("taxonomy_list"))
    assert all(reverse("taxonomy_detail", args=[name]) in lists for name in TAXONOMY_NAMES)
    assert reverse("taxonomy_list") in page(reverse("home"))
    asked = open_request(draft=complete(labels={"taxonomy": "chexpert-14"}).model_dump(mode="json"))
    assert reverse("taxonomy_detail", args=["chexpert-14"]) in page(asked.get_absolute_url())


@pytest.mark.django_db
def test_a_list_that_is_not_shipped_is_not_found() -> None:
    assert Client().get(reverse("taxonomy_detail", args=["custom"])).status_code == 404
