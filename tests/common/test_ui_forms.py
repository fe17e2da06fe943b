"""Form fields and buttons: every label, hint and error is wired to its control."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django import forms

from getdata.common.templatetags.styleguide import SampleForm
from tests.common.markup import Balance, show


def described(html: str) -> set[str]:
    return {name for value in re.findall(r'aria-describedby="([^"]+)"', html) for name in value.split()}


@pytest.mark.parametrize("name", list(SampleForm.base_fields))
def test_every_kind_of_field_is_labelled_and_its_notes_exist(name: str) -> None:
    form = SampleForm(data={"title": "", "deadline": "x"})
    html = show("{% field b %}", b=form[name])
    tree = Balance()
    tree.feed(html)
    assert not tree.stack and not tree.inline
    assert described(html) <= set(tree.ids)
    for target in re.findall(r'<label for="([^"]+)"', html):
        assert target in tree.ids
    if form[name].errors:
        assert "Error: " in html and "has-error" in html
    if name not in ("projections", "dates"):
        assert f'id="id_{name}"' in html


def test_an_invalid_control_points_to_hint_and_error() -> None:
    html = show("{% field b %}", b=SampleForm(data={})["title"])
    assert 'aria-describedby="id_title_hint id_title_error"' in html and 'aria-invalid="true"' in html


def test_a_group_is_a_fieldset_with_a_legend() -> None:
    html = show("{% field b %}", b=SampleForm(data={})["dates"])
    assert '<fieldset aria-describedby="id_dates_hint id_dates_error" role="radiogroup"' in html
    assert "<legend>Dates</legend>" in html and html.count('type="radio"') == 3


def test_a_date_is_asked_with_the_browsers_own_picker_in_iso() -> None:
    form = SampleForm(initial={"deadline": dt.date(2026, 5, 4)})
    html = show("{% field b %}", b=form["deadline"])
    assert 'type="date"' in html and 'value="2026-05-04"' in html


def test_only_optional_fields_are_marked() -> None:
    assert "(optional)" in show("{% field b %}", b=SampleForm()["purpose"])
    assert "(optional)" not in show("{% field b %}", b=SampleForm()["title"])


def test_a_hint_given_in_a_template_is_escaped() -> None:
    html = show("{% field b hint=h %}", b=SampleForm()["title"], h="<img src=x>")
    assert "&lt;img" in html and "<img" not in html


def test_a_hidden_field_is_only_its_control() -> None:
    class Hidden(forms.Form):
        token = forms.CharField(widget=forms.HiddenInput, initial="t")

    assert show("{% field b %}", b=Hidden()["token"]).count("<") == 1


def test_the_error_summary_links_to_controls_that_exist() -> None:
    form = SampleForm(data={"title": "", "minimum": "0"})
    page = show("{% error_summary f %}{% for b in f %}{% field b %}{% endfor %}", f=form)
    tree = Balance()
    tree.feed(page)
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) == len(form.errors) > 3
    assert set(targets) <= set(tree.ids)
    assert "id_projections_0" in targets


def test_the_error_summary_is_absent_when_all_is_well_and_lists_errors_of_no_field() -> None:
    class Pair(forms.Form):
        low = forms.IntegerField()

        def clean(self) -> None:
            raise forms.ValidationError("The minimum is above the maximum.")

    assert "error-summary" not in show("{% error_summary f %}", f=Pair())
    assert "above the maximum" in show("{% error_summary f %}", f=Pair(data={"low": 1}))


def test_the_error_summary_takes_formsets() -> None:
    rows = forms.formset_factory(SampleForm, extra=0)(
        data={"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-minimum": "3"}
    )
    assert 'href="#id_form-0-title"' in show("{% error_summary f %}", f=rows)


def test_buttons_carry_htmx_and_data_attributes_and_escape_them() -> None:
    html = show("{% button 'Go' kind='primary' hx_post=u data_id=3 disabled=True %}", u='/x/?a="b"')
    assert 'hx-post="/x/?a=&quot;b&quot;"' in html and 'data-id="3"' in html and " disabled" in html
    assert 'type="submit"' in html and 'class="button primary"' in html
    assert show("{% link_button 'Go' '/x/' %}").strip().startswith('<a class="button" href="/x/"')
