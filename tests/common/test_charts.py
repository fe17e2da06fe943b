"""Charts: the drawing, its words and its table say the same numbers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from django.template import engines

from getdata.common import charts


def drawn(chart: charts.Chart) -> ET.Element:
    return ET.fromstring(f'<x xmlns:x="x">{chart.svg}</x>')[0]


def widths(svg: ET.Element, name: str) -> list[float]:
    return [float(r.get("width", "0").rstrip("%")) for r in svg.iter("rect") if r.get("class") == name]


def test_the_longest_bar_fills_the_width_and_the_others_keep_their_share() -> None:
    svg = drawn(charts.bar_chart([("PA", 800), ("AP", 200), ("LL", 0)], title="Projections"))
    assert widths(svg, "c-bar") == [100.0, 25.0, 0.0]


def test_a_given_maximum_sets_the_scale() -> None:
    svg = drawn(charts.bar_chart([("PA", 40)], title="Score", maximum=100))
    assert widths(svg, "c-bar") == [40.0]


def test_the_bar_chart_says_its_numbers_aloud_and_in_its_table() -> None:
    chart = charts.bar_chart([("PA", 1234), ("AP", 5)], title="Projections", unit="images", name="Projection")
    assert drawn(chart).get("role") == "img"
    assert "PA 1,234; AP 5" in (drawn(chart).get("aria-label") or "")
    assert chart.rows == (("PA", "1,234"), ("AP", "5"))
    assert chart.columns == ("Projection", "Images")


def test_labels_are_escaped_and_long_ones_are_cut_with_the_whole_in_the_title() -> None:
    label = "<script>" + "x" * 60
    chart = charts.bar_chart([(label, 1)], title="A & B")
    assert "<script>" not in chart.svg
    text = next(iter(drawn(chart).iter("text")))
    assert (text.text or "").endswith("…") and len(text.text or "") <= 38
    assert text[0].text == label


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf")])
def test_a_value_that_cannot_be_drawn_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite counts"):
        charts.bar_chart([("PA", bad)], title="Projections")


def test_charts_without_data_still_say_so() -> None:
    assert charts.bar_chart([], title="Projections").summary == "no data"
    assert charts.stacked_chart([], ("a",), title="Outcome").summary == "no data"


def test_a_stack_keeps_shares_of_the_largest_row_and_leaves_out_zeroes() -> None:
    chart = charts.stacked_chart([("A", (50, 50)), ("B", (0, 50))], ("passed", "held"), title="Outcome")
    svg = drawn(chart)
    assert widths(svg, "c-1") == [50.0]
    assert widths(svg, "c-2") == [50.0, 50.0]
    assert chart.rows == (("A", "50", "50", "100"), ("B", "0", "50", "50"))
    assert chart.legend == ("passed", "held")


def test_a_stack_of_shares_fills_every_row() -> None:
    svg = drawn(charts.stacked_chart([("A", (1, 1)), ("B", (3, 1))], ("x", "y"), title="Share", as_share=True))
    assert widths(svg, "c-1") == [50.0, 75.0]
    assert widths(svg, "c-2") == [50.0, 25.0]


def test_a_stack_refuses_more_series_than_can_be_told_apart_and_ragged_rows() -> None:
    with pytest.raises(ValueError, match="at most 6"):
        charts.stacked_chart([("A", range(7))], list("abcdefg"), title="Too many")
    with pytest.raises(ValueError, match="1 values for 2 series"):
        charts.stacked_chart([("A", (1,))], ("x", "y"), title="Ragged")


def test_histogram_bars_stand_on_the_base_and_the_mark_is_placed_on_the_axis() -> None:
    chart = charts.histogram([0, 10, 20], [2, 4], title="Score", mark=5)
    svg = drawn(chart)
    bars = [r for r in svg.iter("rect") if r.get("class") == "c-bar"]
    bottoms = {round(float(r.get("y", "0")) + float(r.get("height", "0")), 1) for r in bars}
    assert len(bottoms) == 1
    assert float(bars[1].get("height", "0")) == 2 * float(bars[0].get("height", "0"))
    mark = next(line for line in svg.iter("line") if line.get("class") == "c-mark")
    assert mark.get("x1") == "25.00%"
    assert "minimum 5" in chart.summary and "most between 10 and 20" in chart.summary


def test_histogram_edges_must_rise_and_fit_the_counts() -> None:
    with pytest.raises(ValueError, match="need 3 edges"):
        charts.histogram([0, 1], [1, 2], title="Score")
    with pytest.raises(ValueError, match="must rise"):
        charts.histogram([0, 2, 1], [1, 2], title="Score")


def test_an_empty_histogram_names_no_peak() -> None:
    assert "most between" not in charts.histogram([0, 1, 2], [0, 0], title="Score").summary


def test_a_sparkline_rises_with_its_values_and_marks_the_last() -> None:
    line = charts.sparkline([1, 2, 4], label="Images a day")
    points = re.search(r'points="([^"]+)"', line)
    assert points is not None
    heights = [float(p.split(",")[1]) for p in points[1].split()]
    assert heights == sorted(heights, reverse=True)
    assert 'aria-label="Images a day: from 1 to 4"' in line
    assert charts.sparkline([1], label="One") == ""


def test_no_chart_uses_an_inline_style_which_the_content_security_policy_would_refuse() -> None:
    drawings = [
        charts.bar_chart([("PA", 1)], title="t").svg,
        charts.stacked_chart([("A", (1, 2))], ("x", "y"), title="t").svg,
        charts.histogram([0, 1], [1], title="t").svg,
        charts.sparkline([1, 2], label="t"),
    ]
    assert not any("style=" in svg for svg in drawings)


def test_the_chart_tag_puts_every_row_of_the_data_into_a_table() -> None:
    chart = charts.bar_chart([("PA", 812), ("AP", 401)], title="Projections", unit="images", name="Projection")
    html = engines["django"].from_string("{% load ui %}{% chart c %}").render({"c": chart})
    table = html[html.index("<table") : html.index("</table>")]
    assert re.findall(r'<th scope="row">(.*?)</th>', table) == ["PA", "AP"]
    assert re.findall(r'<td class="num">(.*?)</td>', table) == ["812", "401"]
    assert "<details" in html and "<details open" not in html
