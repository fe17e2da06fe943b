"""The design system's template tags, gathered: ``{% load ui %}`` (or the ``builtins`` setting) brings them all.

Each tag is documented, with an example, in ``docs/design-system.md``.
"""

from __future__ import annotations

from django import template

from getdata.common.templatetags import (
    ui_blocks,
    ui_forms,
    ui_icons,
    ui_meter,
    ui_nav,
    ui_numbers,
    ui_records,
    ui_states,
    ui_time,
)

register = template.Library()

for _part in (
    ui_icons,
    ui_states,
    ui_time,
    ui_numbers,
    ui_meter,
    ui_forms,
    ui_nav,
    ui_blocks,
    ui_records,
):
    register.tags.update(_part.register.tags)
    register.filters.update(_part.register.filters)
