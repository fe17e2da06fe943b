"""The page about the API is drawn from the OpenAPI document, so it cannot be out of date."""

from __future__ import annotations

import pytest
import yaml
from django.test import Client

from getdata.accounts.tokens import SCOPES
from getdata.pages import docs
from tests.support.pages import problems

pytestmark = pytest.mark.django_db


def test_everybody_reads_every_call_and_every_scope(client: Client) -> None:
    response = client.get("/api/docs/")
    assert response.status_code == 200
    page = response.content.decode()
    assert problems(page) == []
    for scope, words in SCOPES.items():
        assert scope in page and words in page
    document = yaml.safe_load(client.get("/api/v1/schema/").content)
    paths = [path for path in document["paths"] if path.startswith("/api/v1/")]
    assert len(paths) > 10
    assert [path for path in paths if path not in page] == []


def test_every_call_says_what_it_does(client: Client) -> None:
    groups = client.get("/api/docs/").context["groups"]
    silent = [
        f"{one['method']} {one['path']}" for group in groups for one in group["calls"] if not one["description"].strip()
    ]
    assert silent == []


def test_words_between_backticks_are_shown_as_code_and_nothing_else_is_markup() -> None:
    assert docs._with_code("A ``Range`` of <b>`x`</b>") == "A <code>Range</code> of &lt;b&gt;<code>x</code>&lt;/b&gt;"


def test_the_document_itself_can_be_fetched(client: Client) -> None:
    response = client.get("/api/v1/schema/")
    assert response.status_code == 200 and yaml.safe_load(response.content)["openapi"].startswith("3.")
