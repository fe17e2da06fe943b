"""Records of fact: figures, facts, evidence, file results, charts."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from getdata.common.charts import Chart
from getdata.common.templatetags.ui_blocks import unique_id

register = template.Library()


@register.simple_block_tag
def stats(content: str) -> SafeString:
    """A line of figures; holds ``{% stat %}``s."""
    return SafeString(render_to_string("components/stats.html", {"content": content}))


@register.inclusion_tag("components/stat.html")
def stat(label: str, value: Any, *, unit: str = "", href: str = "", note: str = "") -> dict[str, Any]:
    """One figure with its unit; ``href`` leads to the list behind it."""
    return {"label": label, "value": value, "unit": unit, "href": href, "note": note}


@register.simple_block_tag
def facts(content: str) -> SafeString:
    """A definition list; holds ``{% fact %}``s or plain ``<dt>``/``<dd>``."""
    return SafeString(render_to_string("components/facts.html", {"content": content}))


@register.inclusion_tag("components/fact.html")
def fact(label: str, value: Any, *, unit: str = "", href: str = "", none: str = "not given") -> dict[str, Any]:
    """One name and its value; an empty value is said in words."""
    absent = value is None or value == ""
    return {"label": label, "value": none if absent else value, "unit": unit, "href": href, "absent": absent}


@register.simple_block_tag
def evidence(content: str, label: str = "Evidence") -> SafeString:
    """A list of proofs; holds ``{% evidence_item %}``s."""
    return SafeString(render_to_string("components/evidence.html", {"content": content, "label": label}))


@register.inclusion_tag("components/evidence_item.html")
def evidence_item(
    key: str, value: Any = "", *, code: bool = False, href: str = "", proved: bool | None = None, copy: bool = False
) -> dict[str, Any]:
    """One proof. ``proved``: True (seen), False (missing), None (for the record). ``code``: monospace, for digests."""
    return {
        "key": key,
        "value": value,
        "code": code,
        "href": href,
        "proved": proved,
        "copy": copy,
        "ident": unique_id("proof"),
    }


@register.inclusion_tag("components/file_row.html")
def file_row(
    name: str,
    state: Any,
    *,
    size: int | None = None,
    cause: str = "",
    remedy: str = "",
    code: str = "",
    href: str = "",
) -> dict[str, Any]:
    """One file's result, inside ``<ul class="files">``: its state and, where something is wrong, cause and remedy."""
    return {
        "name": name,
        "state": state,
        "size": size,
        "cause": cause,
        "remedy": remedy,
        "code": code,
        "href": href,
    }


@register.inclusion_tag("components/chart.html")
def chart(chart: Chart, *, open: bool = False) -> dict[str, Any]:  # the HTML attribute's own name
    """A chart of ``getdata.common.charts`` with its data table beside it."""
    return {"chart": chart, "open": open, "ident": unique_id("chart")}
