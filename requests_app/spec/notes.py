"""What the linter and the validator say: where, what is wrong, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError

from requests_app.spec.document import DatasetSpec


@dataclass(frozen=True, slots=True)
class LintNote:
    """One remark. `path` is dotted and names the field (`quotas.2.min`); "" is the whole document."""

    code: str
    severity: Literal["blocking", "advice"]
    path: str
    message: str
    remedy: str

    @property
    def blocking(self) -> bool:
        return self.severity == "blocking"

    @property
    def pointer(self) -> str:
        """The same place as an RFC 6901 JSON Pointer."""
        return "".join("/" + part for part in self.path.split(".")) if self.path else ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def _annotated_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside `Model`, `Model | None` or `tuple[Model, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _annotated_model(part)
        if found is not None:
            return found
    return None


def field_label(path: str) -> str:
    """A path in words, e.g. `quotas.2.min` -> "Quotas 3, At least"."""
    model: type[BaseModel] | None = DatasetSpec
    words: list[str] = []
    for part in path.split(".") if path else []:
        if part.isdigit():
            if words:
                words[-1] += f" {int(part) + 1}"
            continue
        if model is not None and part in model.model_fields:
            field = model.model_fields[part]
            words.append(field.title or part.replace("_", " ").capitalize())
            model = _annotated_model(field.annotation)
        else:
            words.append(part.replace("_", " ").capitalize())
            model = None
    return ", ".join(words) or "The request"


def _plain(error: Any, label: str) -> tuple[str, str]:
    """Message and remedy for one pydantic error."""
    kind: str = error["type"]
    ctx: dict[str, Any] = error.get("ctx") or {}
    if kind == "missing":
        return f"{label} is missing.", "Fill it in."
    if kind == "extra_forbidden":
        return f"{label} is not a field of a request.", "Remove it, or check its spelling."
    if kind in {"enum", "literal_error"}:
        return f"{label} has a value that is not offered.", f"Choose one of: {ctx.get('expected', '')}."
    if kind in {"greater_than_equal", "greater_than"}:
        word = "at least" if kind == "greater_than_equal" else "more than"
        bound = ctx.get("ge", ctx.get("gt"))
        return f"{label} is too small.", f"Enter {word} {bound}."
    if kind in {"less_than_equal", "less_than"}:
        word = "at most" if kind == "less_than_equal" else "less than"
        bound = ctx.get("le", ctx.get("lt"))
        return f"{label} is too large.", f"Enter {word} {bound}."
    if kind.startswith("int_"):
        return f"{label} is not a whole number.", "Enter digits only, such as 500."
    if kind.startswith(("float_", "decimal_")) or kind == "finite_number":
        return f"{label} is not a number.", "Enter a number, such as 12.5."
    if kind == "string_unicode":
        return f"{label} holds a character that is no text (half of a pair).", "Remove the character, or type it again."
    if kind == "invalid_key":
        return f"{label} is named by something that is not text.", "Name fields by text only."
    if kind == "no_bool":
        return f"{label} is yes or no, where another value is meant.", "Enter the number or the text that is meant."
    if kind.startswith("bool"):
        return f"{label} is neither yes nor no.", "Choose yes or no."
    if kind.startswith(("date_", "datetime_")):
        return f"{label} is not a date.", "Enter a date as year-month-day, such as 2027-03-31."
    if kind == "string_too_short":
        return f"{label} is empty.", "Fill it in."
    if kind == "string_too_long":
        return f"{label} is too long.", f"Use at most {ctx.get('max_length')} characters."
    if kind == "string_pattern_mismatch":
        return f"{label} is not written in the expected form.", f"It must match {ctx.get('pattern')}."
    if kind == "string_type":
        return f"{label} is not text.", "Enter text."
    if kind == "too_short":
        return f"{label} has no entries.", f"Add at least {ctx.get('min_length', 1)}."
    if kind == "json_invalid":
        return "The document is not valid JSON.", "Check brackets, commas and quotation marks near the place named."
    if kind == "value_error":
        text = re.sub(r"^Value error, ", "", error["msg"])
        first, _, rest = text.partition(". ")
        return (first.rstrip(".") + "."), (rest or "Correct it.")
    if kind.endswith(("_type", "_parsing")):
        return f"{label} has the wrong kind of value.", "See the published schema for what it takes."
    return f"{label} is not valid.", "See the published schema for what it takes."


def explain_errors(error: ValidationError) -> list[LintNote]:
    """A validation error in plain words, one blocking note for each place, in document order.

    The rejected values are not repeated: a draft may hold what its author would not want in a log.
    """
    notes: list[LintNote] = []
    items = error.errors(include_input=False, include_url=False)
    places = {".".join(str(part) for part in item["loc"]) for item in items}
    for item in items:
        path = ".".join(str(part) for part in item["loc"])
        # A list whose entries are wrong is also called too short: only the entries need mending.
        if item["type"] == "too_short" and any(place.startswith(path + ".") for place in places):
            continue
        message, remedy = _plain(item, field_label(path))
        notes.append(LintNote("INVALID_" + item["type"].upper(), "blocking", path, message, remedy))
    return notes
