"""`diff`: what an amendment changes, line by line, in words that a privacy officer can read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel

from requests_app.spec.canonical import spec_document
from requests_app.spec.document import DatasetSpec, check_lines
from requests_app.spec.notes import field_label
from requests_app.spec.vocabulary import QuotaCounting
from requests_app.spec.wording import describe_line


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` and `after` are in words; None where the thing did not exist."""

    path: str
    kind: Literal["added", "removed", "changed"]
    before: str | None
    after: str | None
    text: str
    check_id: str = ""

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)


def _said(value: Any) -> str:
    match value:
        case None | "" | []:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_said(item) for item in value)
        case dict():
            return "; ".join(f"{key.replace('_', ' ')}: {_said(item)}" for key, item in value.items())
        case _:
            return str(value)


def _plain(value: Any) -> Any:
    return getattr(value, "plain", value)


def _stated(line: BaseModel) -> str:
    level = getattr(line, "level", None)
    return f"{describe_line(line)} ({level.value})" if level is not None else describe_line(line)


def _leaves(value: Any, path: str, skip: set[str]) -> dict[str, Any]:
    """Every plain field by dotted path, lines left out because they are compared by check id."""
    if path in skip:
        return {}
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= _leaves(item, f"{path}.{key}" if path else key, skip)
        return found
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        found = {}
        for index, item in enumerate(value):
            found |= _leaves(item, f"{path}.{index}", skip)
        return found
    return {path: value}


def diff(old: DatasetSpec, new: DatasetSpec) -> list[Change]:
    """The changes from `old` to `new`: lines by their check id, everything else by path. Empty if equal."""
    changes: list[Change] = []
    before = {line.check_id: line for line in check_lines(old)}
    after = {line.check_id: line for line in check_lines(new)}
    for check_id, entry in before.items():
        was = _stated(entry.line)
        if check_id not in after:
            changes.append(Change(entry.path, "removed", was, None, f"No longer asked: {was}.", check_id))
        elif after[check_id].line != entry.line:
            now = _stated(after[check_id].line)
            text = f"Changed from “{was}” to “{now}”."
            if was == now:
                text = f"Details changed: {now}."
            changes.append(Change(after[check_id].path, "changed", was, now, text, check_id))
    for check_id, entry in after.items():
        if check_id not in before:
            now = _stated(entry.line)
            changes.append(Change(entry.path, "added", None, now, f"Newly asked: {now}.", check_id))
    changes.extend(_other_fields(old, new, before, after))
    changes.extend(_order(old, new))
    return changes


def _order(old: DatasetSpec, new: DatasetSpec) -> list[Change]:
    """Where each image counts once, quotas that stand first are served first: their order means something."""
    if old.quota_counting is not QuotaCounting.ONCE or new.quota_counting is not QuotaCounting.ONCE:
        return []
    was, now = [cell.check_id for cell in old.quotas], [cell.check_id for cell in new.quotas]
    if [name for name in was if name in now] == [name for name in now if name in was]:
        return []
    text = (
        "The quotas stand in another order: where an image could fill several, those that stand first are served first."
    )
    return [Change("quotas", "changed", ", ".join(was), ", ".join(now), text)]


def _other_fields(old: DatasetSpec, new: DatasetSpec, before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    was = _leaves(spec_document(old), "", {line.path for line in before.values()})
    now = _leaves(spec_document(new), "", {line.path for line in after.values()})
    for name in DatasetSpec.added_later:  # left out at their defaults, which are then no "nothing"
        was[name], now[name] = _plain(getattr(old, name)), _plain(getattr(new, name))
    line_lists = ("projections", "quotas", "share_caps", "labels.findings", "quality.components")
    line_paths = {line.path for line in (*before.values(), *after.values())}
    changes: list[Change] = []
    for path in dict.fromkeys([*was, *now]):
        # An empty list of lines, or an optional line that is off, is already told line by line.
        if path in line_lists or path in line_paths:
            continue
        one, other = was.get(path), now.get(path)
        if one == other:
            continue
        label = field_label(path)
        empty_before, empty_after = one in (None, "", []), other in (None, "", [])
        if empty_before:
            changes.append(Change(path, "added", None, _said(other), f"{label}: {_said(other)}."))
        elif empty_after:
            changes.append(Change(path, "removed", _said(one), None, f"{label}: no longer {_said(one)}."))
        else:
            text = f"{label}: changed from “{_said(one)}” to “{_said(other)}”."
            changes.append(Change(path, "changed", _said(one), _said(other), text))
    return changes
