"""Samples for /styleguide/, so that the page needs no context and always shows the real components."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms, template
from django.core.paginator import Paginator
from django.utils import timezone

from getdata.common import charts
from getdata.common.templatetags.ui_icons import ICONS
from getdata.common.templatetags.ui_states import STATES

register = template.Library()


class SampleForm(forms.Form):
    """One field of each kind the design system draws."""

    title = forms.CharField(help_text="Hospitals see this first. Say what you need, not why.")
    minimum = forms.IntegerField(label="Minimum number of images", min_value=1)
    purpose = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), required=False, label="Intended use")
    taxonomy = forms.ChoiceField(
        choices=[("", "Choose one"), ("chexpert", "CheXpert-14"), ("nih", "NIH ChestX-ray14"), ("vindr", "VinDr-CXR")],
        label="Label taxonomy",
    )
    projections = forms.MultipleChoiceField(
        choices=[("PA", "PA"), ("AP", "AP"), ("LL", "LATERAL"), ("LLD", "Lateral decubitus")],
        widget=forms.CheckboxSelectMultiple,
        help_text="As in ViewPosition (0018,5101).",
    )
    dates = forms.ChoiceField(
        choices=[("shift", "Shifted, one offset per patient"), ("year", "Reduced to the year"), ("keep", "Kept")],
        widget=forms.RadioSelect,
        label="Dates",
        help_text="Keeping dates makes the release a limited data set, which needs a data use agreement.",
    )
    deadline = forms.DateField(widget=forms.DateInput, required=False)
    protocol = forms.FileField(label="Ethics approval", required=False, help_text="PDF, up to 10 MB.")
    agree = forms.BooleanField(label="I have the authority to post this request for my organization")


@register.simple_tag
def styleguide_samples() -> dict[str, Any]:
    """Everything the style guide shows: forms, meters, charts, pages, times."""
    now = timezone.now()
    numbers = Paginator(list(range(412)), 50)
    return {
        "states": list(STATES),
        "icons": list(ICONS),
        "form": SampleForm(
            initial={
                "title": "Pleural effusion in adults, two projections",
                "minimum": 1200,
                "projections": ["PA", "LL"],
                "dates": "shift",
                "agree": True,
            }
        ),
        "bad_form": SampleForm(
            data={"title": "", "minimum": "0", "dates": "keep", "deadline": "soon"}, prefix=None, auto_id="bad_%s"
        ),
        "page": numbers.page(4),
        "soon": now - dt.timedelta(minutes=12),
        "earlier": now - dt.timedelta(days=3, hours=2),
        "long_ago": now - dt.timedelta(days=200),
        "ahead": now + dt.timedelta(days=2, hours=5),
        "late": now - dt.timedelta(hours=9),
        "cells": [
            {
                "label": "PA, erect",
                "needed": 6000,
                "offered": 5400,
                "received": 4100,
                "accepted": 3700,
                "level": "must",
            },
            {
                "label": "AP, supine, female over 65",
                "needed": 800,
                "offered": 762,
                "received": 410,
                "accepted": 380,
                "level": "must",
                "note": "Still useful: 38",
            },
            {
                "label": "LATERAL",
                "needed": 1200,
                "offered": 1500,
                "received": 1260,
                "accepted": 1200,
                "level": "should",
            },
            {"label": "Pneumothorax", "needed": 400, "offered": 0, "received": 0, "accepted": 0, "level": "should"},
        ],
        "bars": charts.bar_chart(
            [("PA, erect", 3700), ("AP, erect", 1240), ("AP, supine", 812), ("LATERAL", 1200)],
            title="Accepted images by projection",
            unit="images",
            name="Projection",
        ),
        "stacked": charts.stacked_chart(
            [("Hospital A", (812, 61, 27)), ("Hospital B", (540, 12, 3)), ("Hospital C", (96, 140, 64))],
            ("Passed", "Returned", "Quarantined"),
            title="Outcome by hospital",
            unit="files",
            name="Hospital",
        ),
        "histogram": charts.histogram(
            [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
            [2, 3, 8, 14, 31, 88, 240, 412, 380, 96],
            title="Quality score",
            of="images",
            mark=60,
        ),
        "spark": charts.sparkline([3, 5, 4, 8, 13, 11, 17, 24, 22, 31], label="Images accepted a day"),
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }


@register.filter
def swatches(names: str) -> list[str]:
    """A line of token names as a list."""
    return names.split()
