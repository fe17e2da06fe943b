"""Form fields bound to places in a specification document, both ways, and notes brought back to the fields.

A section form says for each field where its value stands (``paths``, dotted) and which fields switch an optional line
on (``switches``): when none of them has a value the line is written as null, which means "not asked".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django import forms

from requests_app.spec import LintNote

Document = dict[str, Any]
_MISSING = object()

#: Rows that one page can carry with all their fields; a longer list is edited as JSON.
MAX_ROWS = 150
#: Rows that are read at most: as many quotas as a document may have, and a grid's blank cells.
MAX_SENT = 700


def get_at(document: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path, or ``default``."""
    value = document
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def set_at(document: Document, path: str, value: Any) -> None:
    """Write a value at a dotted path, making the objects on the way."""
    *parents, leaf = path.split(".")
    for part in parents:
        if not isinstance(document.get(part), dict):
            document[part] = {}
        document = document[part]
    document[leaf] = value


def drop_at(document: Document, path: str) -> None:
    """Remove what stands at a dotted path, if anything does."""
    *parents, leaf = path.split(".")
    for part in parents:
        inner = document.get(part)
        if not isinstance(inner, dict):
            return
        document = inner
    document.pop(leaf, None)


class WordsField(forms.CharField):
    """A list of short codes, typed with commas or spaces between them."""

    def __init__(self, *, upper: bool = False, **kwargs: Any) -> None:
        self.upper = upper
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        words = str(value or "").replace(",", " ").replace(";", " ").split()
        return list(dict.fromkeys(word.upper() if self.upper else word.lower() for word in words))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Each word is judged by the specification itself."""


class YesNoField(forms.TypedChoiceField):
    """Yes, no, or not asked (None)."""

    def __init__(self, *, yes: str = "Yes", no: str = "No", any_: str = "Any", **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(
            choices=[("", any_), ("true", yes), ("false", no)], coerce=lambda v: v == "true", empty_value=None, **kwargs
        )

    def prepare_value(self, value: Any) -> Any:
        return {True: "true", False: "false", None: ""}.get(value, value)


def choices(enum: Any, blank: str | None = None) -> list[tuple[str, str]]:
    """An enumeration's values as choices, in its own words."""
    rows = [] if blank is None else [("", blank)]
    for item in enum:
        words = getattr(item, "plain", str(item.value).replace("_", " "))
        rows.append((item.value, words[:1].upper() + words[1:]))
    return rows


LEVELS = [("must", "Must"), ("should", "Should")]


def level_field(label: str = "Level") -> forms.ChoiceField:
    """Must or should."""
    return forms.ChoiceField(label=label, choices=LEVELS, required=False, initial="must")


def number(label: str, *, low: int = 0, high: int = 100_000_000, **kwargs: Any) -> forms.IntegerField:
    """An optional whole number."""
    return forms.IntegerField(label=label, min_value=low, max_value=high, required=False, **kwargs)


def decimal(label: str, *, low: float = 0, high: float = 100, **kwargs: Any) -> forms.FloatField:
    """An optional number."""
    widget = forms.NumberInput(attrs={"step": "any"})
    return forms.FloatField(label=label, min_value=low, max_value=high, required=False, widget=widget, **kwargs)


def text(label: str, *, rows: int = 0, high: int = 4000, **kwargs: Any) -> forms.CharField:
    """Optional text; ``rows`` makes it several lines."""
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(label=label, max_length=high, required=False, widget=widget, **kwargs)


def pick(label: str, options: Any, **kwargs: Any) -> forms.ChoiceField:
    """One of several, possibly none."""
    return forms.ChoiceField(label=label, choices=options, required=False, **kwargs)


def tick(label: str, **kwargs: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, **kwargs)


def several(label: str, options: Any, **kwargs: Any) -> forms.MultipleChoiceField:
    """Any number of several."""
    return forms.MultipleChoiceField(
        label=label, choices=options, required=False, widget=forms.CheckboxSelectMultiple, **kwargs
    )


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value is False or value == []


def _plain(value: Any) -> Any:
    """A cleaned value as JSON has it. Browsers send line ends as CR LF, whatever the text had."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    return value.isoformat() if hasattr(value, "isoformat") else value


def _untouched(field: forms.Field, old: Any, new: Any) -> bool:
    """True if the value sent is the one shown: a browser orders ticked boxes and tidies white space, which is no change.

    What was in the document then stays as it was written there, so that looking at a form never changes a hash.
    """
    if isinstance(old, list | tuple) and isinstance(new, list):
        return set(map(str, old)) == set(map(str, new))
    if isinstance(old, str) and isinstance(new, str):
        one_line = not isinstance(field.widget, forms.Textarea)
        return _as_shown(old, one_line=one_line) == _as_shown(new, one_line=one_line)
    return bool(old == _plain(new)) and type(old) is type(new)


def _as_shown(text: str, *, one_line: bool) -> str:
    shown = text.replace("\r\n", "\n").replace("\r", "\n")
    return (shown.replace("\n", "") if one_line else shown).strip()


class SectionForm(forms.Form):
    """Fields of one part of the document."""

    #: field -> dotted path; "" for a field that only switches a line.
    paths: ClassVar[dict[str, str]] = {}
    #: dotted path of an optional line -> the fields of which at least one must have a value.
    switches: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: Counts whose default 0 means "not asked": shown as an empty field.
    zero_is_blank: ClassVar[tuple[str, ...]] = ()
    use_required_attribute = False

    def offer(self, document: Document) -> None:
        """Offer what the document already has among the boxes to tick, so that the form never takes it away."""
        for name, field in self.fields.items():
            if isinstance(field, forms.MultipleChoiceField):
                there = get_at(document, self.paths.get(name, "")) or []
                offered = list(cast("Iterable[tuple[Any, Any]]", field.choices))
                known = {str(value) for value, _ in offered}
                more = [(value, value) for value in there if isinstance(value, str) and value not in known]
                field.choices = [*offered, *more]

    @classmethod
    def initial_from(cls, document: Document) -> dict[str, Any]:
        """The fields' values in a document; fields that the document does not mention are left out."""
        initial: dict[str, Any] = {}
        for name, path in cls.paths.items():
            if not path:
                line = next(line for line, fields in cls.switches.items() if name in fields)
                initial[name] = get_at(document, line) is not None
                continue
            value = get_at(document, path, _MISSING)
            if value == 0 and name in cls.zero_is_blank:
                continue
            if isinstance(value, float) and value.is_integer():
                value = int(value)  # "40 %", not "40.0 %"
            if value is not _MISSING and value is not None:
                initial[name] = value
        return initial

    def raw_values(self) -> dict[str, Any]:
        """What was typed, unjudged: to show the form again without errors."""
        return {
            name: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name, field in self.fields.items()
        }

    def write(self, document: Document) -> None:
        """Write the cleaned values. Text, numbers and choices left empty are removed, so that defaults apply."""
        for name, path in self.paths.items():
            if not path:
                continue
            value = self.cleaned_data.get(name)
            if _untouched(self.fields[name], get_at(document, path), value):
                continue
            if value is None or value == "":
                drop_at(document, path)
            else:
                set_at(document, path, _plain(value))
        for line, fields in self.switches.items():
            if all(_is_empty(self.cleaned_data.get(name)) for name in fields):
                set_at(document, line, None)
            elif get_at(document, line) is None:
                set_at(document, line, {})

    def field_for(self, path: str) -> str | None:
        """The field that a note's path is about: exact, else inside it, else around it."""
        exact = [name for name, at in self.paths.items() if at == path]
        if exact:
            return exact[0]
        for name, at in self.paths.items():
            if at and path.startswith(at + "."):
                return name
        for line, fields in self.switches.items():
            if path == line or path.startswith(line + "."):
                return fields[0]
        if path:
            return next((name for name, at in self.paths.items() if at.startswith(path + ".")), None)
        return None

    def take_note(self, note: LintNote, path: str | None = None) -> bool:
        """Show a note beside its field; False when no field of this form is meant."""
        name = self.field_for(note.path if path is None else path)
        if name is None:
            return False
        self.add_error(name, f"{note.message} {note.remedy}".strip())
        return True


class RowForm(SectionForm):
    """One row of a repeatable part. ``identity`` fields make the row's check id: when they change it gets a new one."""

    identity: ClassVar[tuple[str, ...]] = ()
    #: A row in which none of these is filled in is no row.
    content: ClassVar[tuple[str, ...]] = ()
    #: Which key ties a row to the one it was made from.
    key: ClassVar[str] = "check_id"
    #: What the row selects, in words, as it was last saved.
    says: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kept"] = forms.CharField(required=False, widget=forms.HiddenInput, max_length=200)

    @classmethod
    def initial_from(cls, document: Document) -> dict[str, Any]:
        return {**super().initial_from(document), "kept": document.get(cls.key, "")}

    @property
    def is_blank(self) -> bool:
        return all(_is_empty(self.cleaned_data.get(name)) for name in self.content)

    def plain_values(self) -> dict[str, Any]:
        """What the row says, typed or saved, unjudged."""
        return {name: self[name].value() for name in self.fields}

    def row(self, before: Mapping[str, Document]) -> Document:
        """The row's document: what it was, with the form's values over it; what the form does not show is kept."""
        old = before.get(self.cleaned_data.get("kept", ""), {})
        document: Document = {**old}
        self.write(document)
        if any(_value(old, self.paths[name]) != _value(document, self.paths[name]) for name in self.identity):
            document.pop(self.key, None)
        return document


#: Values that mean the same as leaving the field out, so that a written-out default is no change of identity.
_DEFAULTS = {"finding_state": "present", "within.finding_state": "present", "unit": "images"}


def _value(document: Document, path: str) -> Any:
    value = get_at(document, path)
    return None if value == _DEFAULTS.get(path) else value


class Rows:
    """The rows of one repeatable part: a list of forms with a hidden count, so that it works without JavaScript."""

    def __init__(self, form: type[RowForm], name: str, path: str) -> None:
        self.form, self.name, self.path = form, name, path
        self.forms: list[RowForm] = []
        self.placed: list[RowForm] = []

    @property
    def count_name(self) -> str:
        return f"{self.name}-count"

    def load(self, document: Document, *, blank: int = 0) -> Rows:
        """Unbound forms for the rows of a document, and ``blank`` empty ones."""
        rows = get_at(document, self.path) or []
        values = [self.form.initial_from(row) for row in rows if isinstance(row, dict)] + [{}] * blank
        return self.show(values)

    def show(self, values: list[dict[str, Any]], *, focus: int | None = None) -> Rows:
        """Unbound forms with these values; ``focus`` is the row where typing goes on."""
        self.forms = [self.form(initial=value, prefix=f"{self.name}-{index}") for index, value in enumerate(values)]
        if focus is not None and focus < len(self.forms):
            first = next(iter(self.forms[focus].fields.values()))
            first.widget.attrs["autofocus"] = True
        return self

    def add(self, values: dict[str, Any]) -> RowForm:
        """One more row behind the others, bound like them."""
        prefix = f"{self.name}-{len(self.forms)}"
        if self.forms and self.forms[0].is_bound:
            sent = {f"{prefix}-{name}": value for name, value in values.items()}
            made = self.form({**sent, f"{prefix}-grid": "1", f"{prefix}-at": ""}, prefix=prefix)
        else:
            made = self.form(initial=values, prefix=prefix)
        self.forms.append(made)
        return made

    def bind(self, data: Any) -> Rows:
        """Forms bound to what was sent. The count is bounded: it comes from outside."""
        try:
            count = int(data.get(self.count_name, 0))
        except ValueError:
            count = 0
        self.forms = [self.form(data, prefix=f"{self.name}-{index}") for index in range(max(0, min(count, MAX_SENT)))]
        return self

    def is_valid(self) -> bool:
        """Judge every row, so that every error is shown, not only those of the first row that has any."""
        results = [form.is_valid() for form in self.forms]
        return all(results)

    def write(self, document: Document) -> None:
        """Replace the document's rows by those filled in, blank ones left out."""
        old = {str(row.get(self.form.key, "")): row for row in get_at(document, self.path) or []}
        self.placed = [form for form in self.forms if not form.is_blank]
        set_at(document, self.path, [form.row(old) for form in self.placed])

    def take_note(self, note: LintNote) -> bool:
        """Show a note such as ``quotas.2.min`` in its row; one about the whole list in its last row."""
        if note.path == self.path and self.placed:
            self.placed[-1].add_error(self.placed[-1].content[0], f"{note.message} {note.remedy}".strip())
            return True
        if not note.path.startswith(self.path + "."):
            return False
        index, _, rest = note.path[len(self.path) + 1 :].partition(".")
        if not index.isdigit() or int(index) >= len(self.placed):
            return False
        form = self.placed[int(index)]
        if not form.take_note(note, rest):
            form.add_error(form.content[0], f"{note.message} {note.remedy}".strip())
        return True
