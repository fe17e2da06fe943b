"""The wizard's pages: steps that save, what stands beside them, two people at once, beginnings, previews, versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from getdata.accounts.models import Role, User
from requests_app.forms.specification import SpecificationForm
from requests_app.forms.steps import BY_KEY, STEPS
from requests_app.models import Amendment, Coauthor, DatasetRequest
from requests_app.services import amendments, coauthors, copies, drafts
from requests_app.services import requests as services
from requests_app.spec import DatasetSpec, lint, template_specs
from tests.factories import member
from tests.requests_app.people import Market, document
from tests.requests_app.test_forms import filled_in
from tests.requests_app.test_pages import said
from tests.support.pages import problems

KEYS = [step.key for step in STEPS]


def step_url(item: DatasetRequest, key: str) -> str:
    return reverse("request_step", args=[item.slug, key])


def typed(item: DatasetRequest, key: str, button: str = "save", **changes: str) -> Any:
    """What a browser sends from a step as it is shown now, with changes."""
    draft = drafts.current_draft(item)
    assert draft is not None
    data = filled_in(SpecificationForm.from_document(draft.document, step=BY_KEY[key]), **changes)
    data["revision"] = str(draft.revision)
    data["part"] = drafts.fingerprint(BY_KEY[key].excerpt(draft.document))
    if button:
        data[button] = "1"
    return dict(data.lists())  # the test client sends only the last value of a QueryDict's key


def autosave(client: Client, item: DatasetRequest, key: str, data: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(step_url(item, key), data, headers={"X-Autosave": "1"}).json()
    return answer


@pytest.fixture
def blank(market: Market) -> DatasetRequest:
    return services.create_request(organization=market.group, title="Blank", category="cxr", actor=market.researcher)


@pytest.fixture
def rosa(market: Market, client: Client) -> Client:
    client.force_login(market.researcher)
    return client


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_overview_says_what_each_step_lacks_and_links_to_the_field(blank: DatasetRequest, rosa: Client) -> None:
    page = rosa.get(reverse("request_edit", args=[blank.slug]))
    body = page.content.decode()
    assert "4 things block posting" in body
    assert f'href="{step_url(blank, "purpose")}#id_purpose-intended_use"' in body
    lacking = {stand.step.key for stand, _ in page.context["steps"] if stand.blocking}
    assert lacking == {"purpose", "cohort", "terms"}
    assert reverse("request_submit", args=[blank.slug]) not in body


def test_six_steps_one_after_the_other_make_a_request_that_may_be_posted(blank: DatasetRequest, rosa: Client) -> None:
    given = {
        "purpose": {
            "purpose-intended_use": "academic_research",
            "purpose-description": "A study of something that takes a sentence to describe.",
        },
        "cohort": {"cohort-images_min": "100"},
        "images": {"projections-0-view": "PA"},
        "labels": {"findings-0-finding": "Pneumothorax"},
        "quotas": {"quotas-count": "1", "quotas-0-sex": "F", "quotas-0-min": "40", "counting-counting": "once"},
        "terms": {"delivery-deadline": "2099-01-31"},
    }
    for key, after in zip(KEYS, [*KEYS[1:], ""], strict=True):
        answer = rosa.post(step_url(blank, key), typed(blank, key, "continue", **given[key]))
        assert answer.url == (step_url(blank, after) if after else reverse("request_edit", args=[blank.slug]))
        blank.refresh_from_db()
    assert (blank.minimum_images, blank.revision, blank.edited_by) == (100, 6, blank.created_by)
    assert blank.draft["quota_counting"] == "once"
    assert rosa.post(reverse("request_submit", args=[blank.slug])).url == blank.get_absolute_url()
    blank.refresh_from_db()
    assert blank.status == "submitted"


def test_back_saves_too(blank: DatasetRequest, rosa: Client) -> None:
    answer = rosa.post(step_url(blank, "cohort"), typed(blank, "cohort", "back", **{"cohort-images_min": "70"}))
    assert answer.url == step_url(blank, "purpose")
    blank.refresh_from_db()
    assert blank.minimum_images == 70


def test_an_error_keeps_what_was_typed_and_saves_nothing(blank: DatasetRequest, rosa: Client) -> None:
    page = rosa.post(step_url(blank, "cohort"), typed(blank, "cohort", **{"cohort-images_min": "many"}))
    body = page.content.decode()
    assert "<title>Error: " in body
    assert 'href="#id_cohort-images_min"' in body
    assert 'value="many"' in body
    blank.refresh_from_db()
    assert blank.revision == 0


def test_enter_in_a_field_saves_and_never_removes(market: Market, rosa: Client) -> None:
    for key in KEYS:
        body = rosa.get(step_url(market.draft(), key)).content.decode()
        form = body[body.index('id="request-form"') :]
        assert 'name="save"' in form[form.index("<button") : form.index("</button>")]


def test_autosave_answers_with_what_stands_beside_the_step(blank: DatasetRequest, rosa: Client) -> None:
    answer = autosave(rosa, blank, "cohort", typed(blank, "cohort", "", **{"cohort-images_min": "1234"}))
    assert (answer["state"], answer["revision"]) == ("saved", 1)
    assert "at least 1,234 images" in answer["parts"]["wizard-side"]
    assert "3 things block posting" in answer["parts"]["wizard-side"]
    blank.refresh_from_db()
    refused = autosave(rosa, blank, "cohort", typed(blank, "cohort", "", **{"cohort-images_max": "7"}))
    assert refused["state"] == "invalid"
    assert "above the highest" in refused["text"]
    blank.refresh_from_db()
    assert (blank.revision, blank.minimum_images) == (1, 1234)


def test_autosave_tells_new_rows_which_line_they_are(blank: DatasetRequest, rosa: Client) -> None:
    data = typed(blank, "quotas", "", **{"quotas-count": "1", "quotas-0-sex": "F", "quotas-0-min": "40"})
    assert autosave(rosa, blank, "quotas", data)["kept"] == {"quotas-0-kept": "quota.f"}


def test_the_legal_class_follows_the_policy(blank: DatasetRequest, rosa: Client) -> None:
    assert "De-identified" in rosa.get(step_url(blank, "terms")).content.decode()
    answer = autosave(rosa, blank, "terms", typed(blank, "terms", "", **{"deid-policy": "limited-data-set"}))
    assert "data use agreement" in answer["parts"]["legal-class"]


def test_two_people_on_different_steps_do_not_disturb_each_other(market: Market, blank: DatasetRequest) -> None:
    other = member(market.group, Role.DATA_MANAGER)
    mine = typed(blank, "cohort", "", **{"cohort-images_min": "50"})
    theirs = typed(blank, "labels", "", **{"findings-0-finding": "Nodule"})
    assert autosave(browser(other), blank, "labels", theirs)["state"] == "saved"
    assert autosave(browser(market.researcher), blank, "cohort", mine)["state"] == "saved"
    blank.refresh_from_db()
    assert blank.draft["labels"]["findings"][0]["finding"] == "Nodule"
    assert blank.minimum_images == 50


def test_two_people_on_one_step_are_told_and_nothing_is_overwritten_unasked(
    market: Market, blank: DatasetRequest
) -> None:
    other = member(market.group, Role.DATA_MANAGER, name="Otto Other")
    mine = typed(blank, "cohort", "", **{"cohort-images_min": "50"})
    theirs = typed(blank, "cohort", "", **{"cohort-images_min": "60"})
    autosave(browser(other), blank, "cohort", theirs)
    rosa = browser(market.researcher)
    answer = autosave(rosa, blank, "cohort", mine)
    assert answer["state"] == "conflict"
    assert "Otto Other" in answer["text"]
    mine["save"] = "1"
    page = rosa.post(step_url(blank, "cohort"), mine)
    body = page.content.decode()
    assert page.status_code == 409
    assert "Otto Other saved this step" in body
    assert "<del>In all at least 60 images (must)</del>" in body
    blank.refresh_from_db()
    assert blank.minimum_images == 60
    del mine["save"]
    mine["overwrite"] = str(page.context["conflict"]["revision"])
    rosa.post(step_url(blank, "cohort"), mine)
    blank.refresh_from_db()
    assert (blank.minimum_images, blank.revision) == (50, 2)


def test_rows_come_and_go_and_a_folded_line_opens_by_plain_submit_buttons(market: Market, rosa: Client) -> None:
    item = market.draft()
    url, before = step_url(item, "quotas"), len(item.draft["quotas"])
    data = typed(item, "quotas", "", add="quotas")
    page = rosa.post(url, data)
    assert f'name="quotas-{before}-sex"'.encode() in page.content
    assert b'name="quotas-0-sex"' not in page.content
    assert b'name="quotas-0-sex"' in rosa.post(url, typed(item, "quotas", "", change="quotas:0")).content
    page = rosa.post(url, typed(item, "quotas", "", remove="quotas:0"))
    assert f'name="quotas-{before - 1}-min"'.encode() not in page.content
    item.refresh_from_db()
    assert len(item.draft["quotas"]) == before


def test_a_grid_is_laid_out_filled_in_and_kept_without_javascript(market: Market, rosa: Client) -> None:
    item = market.draft(quotas=[])
    data = typed(item, "quotas", "layout")
    axes = {"grid-sex_use": "rows", "grid-age_use": "columns", "grid-age_values": "18-39, 40+"}
    data |= {**axes, "grid-sex_values": ["F", "M"]}
    page = rosa.post(step_url(item, "quotas"), data)
    cell = page.context["form"].grid.lines[0].cells[1]
    assert cell.cell_label == "Female, 40 and over"
    assert f'name="{cell.prefix}-min"'.encode() in page.content
    assert list(problems(page.content.decode())) == []
    sent = filled_in(page.context["form"], **{f"{cell.prefix}-min": "120", "save": "1"})
    kept = {name: value for name, value in data.items() if name.startswith("grid-") or name in ("revision", "part")}
    saved = rosa.post(step_url(item, "quotas"), {**dict(sent.lists()), **kept, "grid-laid": "1"})
    assert saved.status_code == 302
    item.refresh_from_db()
    assert [(q["check_id"], q["min"]) for q in item.draft["quotas"]] == [("quota.f.age-40-plus", 120)]
    again = rosa.get(saved.url).context["form"].grid
    assert (again.columns, again.total) == (["18 to 39", "40 and over"], 120)


def test_who_may_not_write_is_sent_away_and_a_coauthor_may(market: Market, blank: DatasetRequest) -> None:
    reader = member(market.group, Role.READER)
    client = browser(reader)
    assert client.get(reverse("request_edit", args=[blank.slug])).url == blank.get_absolute_url()
    assert client.get(step_url(blank, "cohort")).status_code == 302
    assert browser(market.other).get(step_url(blank, "cohort")).status_code == 404
    coauthors.add_coauthor(request=blank, email=reader.email, part="editor", actor=market.researcher)
    assert "You are a co-author" in client.get(blank.get_absolute_url()).content.decode()
    assert "Continue" in client.get(reverse("my_requests")).content.decode()
    assert "Finish the draft" in client.get(reverse("dashboard")).content.decode()
    page = client.get(reverse("request_edit", args=[blank.slug])).content.decode()
    assert "Submitting it is for those" in page
    assert "Add a co-author" not in page
    assert (
        autosave(client, blank, "cohort", typed(blank, "cohort", "", **{"cohort-images_min": "5"}))["state"] == "saved"
    )
    assert browser(market.researcher).get(step_url(blank, "nowhere")).status_code == 404


def test_coauthors_are_added_and_removed_on_the_overview(market: Market, blank: DatasetRequest, rosa: Client) -> None:
    reader = member(market.group, Role.READER, name="Rita Reader")
    url = reverse("coauthor_add", args=[blank.slug])
    assert "Rita Reader may edit" in said(rosa.post(url, {"email": reader.email, "part": "editor"}))
    assert "Nobody in" in said(rosa.post(url, {"email": market.other.email, "part": "editor"}))
    coauthor = Coauthor.objects.get()
    removal = reverse("coauthor_remove", args=[blank.slug, coauthor.pk])
    assert removal.encode() in rosa.get(reverse("request_edit", args=[blank.slug])).content
    rosa.post(removal)
    assert not Coauthor.objects.exists()


def test_a_submitted_request_is_not_written_on(market: Market, rosa: Client) -> None:
    item = market.submitted()
    assert rosa.get(step_url(item, "cohort")).status_code == 302
    answer = rosa.post(step_url(item, "cohort"), {"save": "1"}, headers={"X-Autosave": "1"})
    assert answer.json()["state"] == "over"


@pytest.mark.parametrize(
    "sent",
    [
        {"remove": "quotas:²"},
        {"change": "quotas:" + "9" * 5000},
        {"quotas-count": "2", "quotas-0-min": "9" * 5000, "quotas-1-at": "sex=F&min=7&kept=x&%zz=1", "layout": "1"},
        {"grid-laid": "1", "grid-sex_use": "rows", "grid-sex_values": "X", "grid-age_use": "columns"},
        {"revision": "9" * 5000, "part": "x", "overwrite": "-1", "quotas-count": "-5"},
        {"quotas-count": "1", "quotas-0-at": "finding=" + "x" * 3000, "quotas-0-kept": "nobody", "quotas-0-min": "1"},
    ],
)
def test_nonsense_is_answered_with_a_page(market: Market, rosa: Client, sent: dict[str, str]) -> None:
    item = market.draft()
    for key in KEYS:
        assert rosa.post(step_url(item, key), sent).status_code < 500
        assert rosa.post(step_url(item, key), sent, headers={"X-Autosave": "1"}).status_code < 500
        assert rosa.get(step_url(item, key), sent).status_code < 500


# --- beginnings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(template_specs()))
def test_every_template_blocks_nothing_and_leaves_open_only_what_its_author_can_say(name: str) -> None:
    from django.utils import timezone

    today = timezone.localdate()
    notes = lint(template_specs(today=today)[name], today=today)
    inherent = {"NO_ETHICS", "CAP_NEEDS_SOURCES", "YEARS_SHIFTED", "LIMITED_DATA_SET"}
    assert [note for note in notes if note.blocking or note.code not in inherent] == []


def test_there_are_many_templates_and_each_says_what_it_asks(market: Market, rosa: Client) -> None:
    templates = template_specs()
    assert len(templates) >= 18
    body = rosa.get(reverse("request_templates")).content.decode()
    for name, spec in templates.items():
        assert f"?start={name}" in body
        assert spec.title.replace("'", "&#x27;") in body


def test_a_new_request_starts_blank_from_a_template_or_as_a_copy(market: Market, rosa: Client) -> None:
    url = reverse("request_new")
    given = {"organization": str(market.group.pk), "title": "Mine", "category": "cxr"}
    made_at = rosa.post(url, given).url
    assert made_at == reverse("request_edit", args=[DatasetRequest.objects.get(title="Mine").slug])
    assert b"Pneumonia in children under 16" in rosa.get(f"{url}?start=cxr-paediatric-pneumonia").content
    rosa.post(url, {**given, "title": "From a template", "start": "cxr-paediatric-pneumonia"})
    copied = DatasetRequest.objects.get(title="From a template")
    assert copied.draft["cohort"]["age"]["max"] == 15
    services.submit_request(request=copied, actor=market.researcher)
    assert "no such template" in rosa.post(url, {**given, "start": "nothing"}).content.decode()
    rosa.post(url, {**given, "title": "A copy", "clone": copied.slug})
    assert DatasetRequest.objects.get(title="A copy").draft["quotas"] == copied.draft["quotas"]


def test_a_copy_of_others_request_leaves_their_purpose_and_ethics_with_them(market: Market) -> None:
    item = market.open()
    theirs = browser(market.other)
    url = reverse("request_new")
    assert f"{url}?clone={item.slug}".encode() in theirs.get(item.get_absolute_url()).content
    taken = copies.copied_document(request=item, actor=market.other)
    assert taken["purpose"] == {"description": ""}
    assert taken["terms"]["ethics_approval"] == ""
    assert taken["quotas"] == document()["quotas"]
    assert theirs.get(f"{url}?clone={market.draft().slug}").status_code == 404
    assert copies.copied_document(request=item, actor=market.researcher)["purpose"] == document()["purpose"]


def test_a_document_that_is_wrong_is_refused_with_each_path_and_cure(market: Market, rosa: Client) -> None:
    url = reverse("request_new_from_json")
    wrong = {"title": "x", "quotas": [{"min": "many"}], "surprise": 1}
    given = {"organization": str(market.group.pk), "text": json.dumps(wrong)}
    body = rosa.post(url, given).content.decode()
    for words in ("/quotas/0/min", "Enter digits only", "/surprise", "2 places are wrong"):
        assert words in body, words
    assert "line 1, column 2" in rosa.post(url, {**given, "text": "{"}).content.decode()
    assert "There is no document" in rosa.post(url, {**given, "text": ""}).content.decode()
    assert not DatasetRequest.objects.exists()
    made = rosa.post(url, {**given, "text": json.dumps(document())})
    assert made.url == reverse("request_edit", args=[DatasetRequest.objects.get().slug])


def test_what_is_written_goes_out_and_comes_in_as_json(market: Market, rosa: Client) -> None:
    item = market.draft()
    url = reverse("request_import", args=[item.slug])
    rosa.post(url, {"text": json.dumps(document("cxr-lines-and-tubes"))})
    item.refresh_from_db()
    assert item.title == "Position of tubes and lines in intensive care"
    out = rosa.get(reverse("request_spec_json", args=[item.slug]) + "?draft=1")
    assert json.loads(out.content) == item.draft
    opened = market.open()
    rosa.post(reverse("request_import", args=[opened.slug]), {"text": json.dumps(document("cxr-lines-and-tubes"))})
    assert opened.versions.count() == 1
    assert Amendment.objects.get().document["title"] == item.title


# --- preview and versions --------------------------------------------------------------------------------------------


def test_the_preview_is_the_public_page_without_what_only_its_authors_see(market: Market, rosa: Client) -> None:
    item = market.draft()
    body = rosa.get(reverse("request_preview", args=[item.slug])).content.decode()
    assert "Every line that is checked" in body
    assert "A preview" in body
    assert reverse("request_submit", args=[item.slug]) in body
    assert "Your actions" not in body
    assert list(problems(body)) == []
    assert browser(market.other).get(reverse("request_preview", args=[item.slug])).status_code == 404


def test_an_amendment_is_begun_written_in_the_same_steps_compared_and_posted(market: Market, rosa: Client) -> None:
    offer = market.offer()
    item = offer.request
    url = reverse("request_edit", args=[item.slug])
    assert "Begin the amendment" in rosa.get(url).content.decode()
    rosa.post(reverse("amendment_start", args=[item.slug]))
    data = typed(item, "cohort", **{"cohort-images_min": "3500"})
    rosa.post(step_url(item, "cohort"), data)
    body = rosa.get(url).content.decode()
    assert "<ins>In all 3,500 to 6,000 images (must)</ins>" in body
    assert "Post this version" in body
    assert b"policy" not in rosa.get(step_url(item, "terms")).context["form"].sections
    assert "deid" not in rosa.get(step_url(item, "terms")).context["form"].sections
    posted = rosa.post(reverse("amendment_post", args=[item.slug]))
    assert posted.url.endswith("/versions/?from=1&to=2")
    public = Client().get(posted.url).content.decode()
    assert "1 change from version 1 to version 2" in public
    assert Client().get(posted.url.replace("to=2", "to=9")).status_code == 404


def test_staff_check_an_amendment_of_what_they_checked_on_the_requests_page(market: Market, rosa: Client) -> None:
    item = market.open()
    rosa.post(reverse("amendment_start", args=[item.slug]))
    rosa.post(step_url(item, "terms"), typed(item, "terms", **{"terms-retention": "24"}))
    assert "Submit for a check" in rosa.get(reverse("request_edit", args=[item.slug])).content.decode()
    rosa.post(reverse("amendment_post", args=[item.slug]))
    assert "waits for a check" in rosa.get(reverse("request_edit", args=[item.slug])).content.decode()
    opening = reverse("amendment_open", args=[item.slug])
    assert opening not in rosa.get(item.get_absolute_url()).content.decode()
    staff = browser(market.reviewer)
    assert item.title in staff.get(reverse("my_requests")).content.decode()
    assert "Check the amendment of" in staff.get(reverse("dashboard")).content.decode()
    assert opening in staff.get(item.get_absolute_url()).content.decode()
    assert "needs a note" in said(staff.post(reverse("amendment_return", args=[item.slug]), {"note": ""}))
    staff.post(opening)
    assert item.versions.count() == 2
    assert Client().post(opening).status_code == 302
    assert browser(market.other).post(opening).status_code == 404


def test_batches_stay_pinned_to_the_version_they_were_made_for(market: Market) -> None:
    offer = market.offer()
    begun = amendments.start_amendment(request=offer.request, actor=market.researcher)
    body = {**begun.document, "cohort": {**begun.document["cohort"], "images": {"min": 3500}}}
    drafts.save_amendment(amendment=begun, document=body, actor=market.researcher)
    amendments.post_amendment(amendment=begun, actor=market.researcher)
    offer.refresh_from_db()
    assert offer.spec_version.number == 1
    assert DatasetSpec.model_validate(offer.spec_version.document).cohort.images.min == 3000


def test_every_page_of_the_wizard_is_well_formed_with_nothing_inline(market: Market, rosa: Client) -> None:
    item, opened = market.draft(), market.open("cxr-lines-and-tubes")
    addresses = [
        reverse("request_edit", args=[item.slug]),
        *(step_url(item, key) for key in KEYS),
        reverse("request_import", args=[item.slug]),
        reverse("request_new_from_json"),
        reverse("request_templates"),
        reverse("request_edit", args=[opened.slug]),
        reverse("request_versions", args=[opened.slug]),
    ]
    for address in addresses:
        body = rosa.get(address).content.decode()
        assert list(problems(body)) == [], address
        assert " style=" not in body, address
        assert "<script>" not in body, address
