"""Buttons and form fields: label, hint, control, error, wired for screen readers, one look for every widget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms, template
from django.forms import BaseForm, BaseFormSet, BoundField, widgets
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_DASHED = ("hx_", "data_", "aria_")


def html_attrs(attrs: dict[str, Any]) -> SafeString:
    """Keyword arguments as HTML attributes: ``hx_post`` -> ``hx-post``; False and None are left out, True is bare."""
    clean = {}
    for name, value in attrs.items():
        if value is None or value is False or value == "":
            continue
        clean[name.replace("_", "-") if name.startswith(_DASHED) else name.rstrip("_")] = value
    return flatatt(clean)


def _button(label: str, kind: str, icon: str, size: str, extra: str, attrs: dict[str, Any]) -> dict[str, Any]:
    classes = " ".join(part for part in ("button", "" if kind == "secondary" else kind, size, extra) if part)
    return {"label": label, "classes": classes, "icon": icon, "attrs": html_attrs(attrs)}


@register.inclusion_tag("components/button.html")
def button(
    label: str,
    *,
    kind: str = "secondary",
    type: str = "submit",  # the HTML attribute's own name
    icon: str = "",
    size: str = "",
    classes: str = "",
    **attrs: Any,
) -> dict[str, Any]:
    """A ``<button>``. ``kind``: primary, secondary, danger, quiet. ``size``: small, large, wide. Other keywords become
    attributes (``name``, ``value``, ``disabled``, ``form``, ``hx_post``, ``data_...``, ``aria_...``)."""
    return {**_button(label, kind, icon, size, classes, attrs), "type": type}


@register.inclusion_tag("components/button.html")
def link_button(
    label: str,
    href: str,
    *,
    kind: str = "secondary",
    icon: str = "",
    size: str = "",
    classes: str = "",
    **attrs: Any,
) -> dict[str, Any]:
    """A link that looks like a button, for going somewhere. Keywords as for ``button``."""
    return {**_button(label, kind, icon, size, classes, attrs), "href": href}


def _kind(widget: forms.Widget) -> str:
    """Which layout a widget needs: choices (a group), single (one checkbox), file, or control (all others)."""
    if isinstance(widget, (widgets.CheckboxSelectMultiple, widgets.RadioSelect)):
        return "choices"
    if isinstance(widget, widgets.CheckboxInput):
        return "single"
    if isinstance(widget, widgets.FileInput):
        return "file"
    return "control"


@register.simple_tag
def field(
    bound: BoundField,
    *,
    label: str = "",
    hint: str = "",
    width: str = "",
    before: str = "",
    after: str = "",
    layout: str = "",
    optional: bool = True,
    label_hidden: bool = False,
    **attrs: Any,
) -> SafeString:
    """A form field with label, hint and error. ``width``: xs, s, m. ``before``/``after``: a unit beside the control.

    ``layout``: inline or columns, for groups. ``optional=False`` drops the word "optional". Other keywords become
    attributes of the control. A hidden field is only its control.
    """
    if bound.is_hidden:
        return SafeString(bound.as_widget() + "".join(str(e) for e in bound.errors))
    widget = bound.field.widget
    kind = _kind(widget)
    # Django's date and time widgets are plain text; the browser's own pickers want ISO values.
    if type(widget) is widgets.DateInput:
        widget.input_type, widget.format = "date", "%Y-%m-%d"
    elif type(widget) is widgets.DateTimeInput:
        widget.input_type, widget.format = "datetime-local", "%Y-%m-%dT%H:%M"
    elif type(widget) is widgets.TimeInput:
        widget.input_type = "time"

    # Help texts are written by us and may hold markup (Django's own do); a hint given in a template is escaped.
    hint = hint or mark_safe(bound.help_text or "")  # noqa: S308 (help texts are ours)
    ident = bound.auto_id or bound.html_name
    described = " ".join(
        part for part in (f"{ident}_hint" if hint else "", f"{ident}_error" if bound.errors else "") if part
    )
    control_attrs = {
        (k.replace("_", "-") if k.startswith(_DASHED) else k): v for k, v in attrs.items() if v not in (None, False)
    }
    if described and kind != "choices":
        control_attrs["aria-describedby"] = described
    return SafeString(
        render_to_string(
            "components/field.html",
            {
                "bound": bound,
                "kind": kind,
                "label": label or bound.label,
                "hint": hint,
                "ident": ident,
                "described": described,
                "errors": bound.errors,
                "control": "" if kind == "choices" else bound.as_widget(attrs=control_attrs),
                "options": list(bound) if kind == "choices" else [],
                "group_role": "radiogroup" if isinstance(widget, widgets.RadioSelect) else "group",
                "width": width,
                "before": before,
                "after": after,
                "layout": layout,
                "optional": optional and not bound.field.required and kind != "single",
                "label_hidden": label_hidden,
            },
        )
    )


def first_control_id(bound: BoundField) -> str:
    """The id that an error link should lead to: the control's, or the first option's of a group."""
    if _kind(bound.field.widget) == "choices":
        options = list(bound)
        if options:
            return str(options[0].id_for_label)
    return bound.id_for_label or bound.html_name


def _problems(source: Any) -> Iterator[dict[str, str]]:
    if source is None:
        return
    if isinstance(source, BaseFormSet):
        for error in source.non_form_errors():
            yield {"text": str(error), "target": ""}
        for form in source.forms:
            yield from _problems(form)
    elif isinstance(source, BaseForm):
        if not source.is_bound:
            return
        for error in source.non_field_errors():
            yield {"text": str(error), "target": ""}
        for bound in source:
            for error in bound.errors:
                target = "" if bound.is_hidden else first_control_id(bound)
                # The field's name goes in front: "This field is required." says nothing in a list.
                yield {"text": f"{bound.label}: {error}", "target": target}
    else:
        raise TypeError(f"error_summary takes forms and formsets, not {type(source).__name__}")


@register.inclusion_tag("components/error_summary.html")
def error_summary(*sources: Any, title: str = "There is a problem") -> dict[str, Any]:
    """All errors of the given forms and formsets, each a link to its field. Nothing when there are none."""
    return {"problems": [problem for source in sources for problem in _problems(source)], "title": title}


@register.simple_block_tag
def fieldset(content: str, legend: str, *, hint: str = "", question: bool = False, heading: str = "") -> SafeString:
    """Fields that belong together. ``question`` makes the legend the page's ``<h1>``, for one question a page."""
    return SafeString(
        render_to_string(
            "components/fieldset.html",
            {
                "content": content,
                "legend": legend,
                "hint": hint,
                "question": question,
                "heading": heading or ("h1" if question else ""),
            },
        )
    )
