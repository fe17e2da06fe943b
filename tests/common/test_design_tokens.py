"""The colours: every pair of text and ground that the style sheets use meets WCAG 2.2 AA, by day and by night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
CORE = (CSS / "core.css").read_text()
PAIRS = {name: (day, night) for name, day, night in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", CORE)}
#: What browsers without light-dark() get: the first :root block.
FALLBACK = dict(re.findall(r"--([\w-]+): (#\w{6});", CORE))

TEXT = [
    *[(text, ground) for text in ("ink", "ink-2", "ink-3", "accent", "accent-strong", "good", "warn", "bad")
      for ground in ("paper", "surface", "sunken")],
    *[(tone, f"{tone}-tint") for tone in ("accent", "good", "warn", "bad")],
    *[("ink", f"{tone}-tint") for tone in ("accent", "good", "warn", "bad")],
    ("on-accent", "accent"), ("on-accent", "accent-strong"), ("paper", "bad"), ("ink-2", "accent-tint"),
]  # fmt: skip
#: Borders of controls, the meter's parts against the track, the focus ring: 3 to 1 (WCAG 1.4.11).
PARTS = [("rule-strong", "paper"), ("rule-strong", "surface"), ("accent", "sunken"), ("accent", "paper")]
FILM = "#060707"


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(PAIRS[text][theme], PAIRS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize(("part", "ground"), PARTS)
def test_the_edges_of_controls_and_meters_can_be_seen(part: str, ground: str, theme: int) -> None:
    assert contrast(PAIRS[part][theme], PAIRS[ground][theme]) >= 3


@pytest.mark.parametrize("text", ["ink", "ink-2", "ink-3", "accent"])
def test_text_on_a_film_can_be_read(text: str) -> None:
    assert contrast(PAIRS[text][1], FILM) >= 4.5


def test_accepted_and_received_differ_in_lightness_and_not_only_in_colour() -> None:
    for theme in (0, 1):
        assert contrast(PAIRS["accent"][theme], PAIRS["accent-mid"][theme]) >= 2


def test_old_browsers_get_the_day_theme_whole() -> None:
    assert {name: day for name, (day, _) in PAIRS.items()} == FALLBACK


def test_every_custom_property_in_use_is_defined() -> None:
    sheets = "\n".join(path.read_text() for path in CSS.glob("*.css"))
    used = set(re.findall(r"var\(--([\w-]+)", sheets))
    defined = set(re.findall(r"--([\w-]+):", sheets))
    assert used <= defined


def test_style_sheets_use_no_colour_of_their_own() -> None:
    allowed = {"#000", "#fff", "#060707", "#d9d6cf"}  # film, paper in print, overlay on radiographs
    for path in sorted(CSS.glob("*.css")):
        if path.name == "core.css":
            continue
        text = re.sub(r"^.*\.logo-(film|rib).*$", "", path.read_text(), flags=re.M)  # the mark has its own
        assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", text)) <= allowed, path.name


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    for path in CSS.glob("*.css"):
        assert not re.findall(r"@import|@font-face|https?://", path.read_text()), path.name
