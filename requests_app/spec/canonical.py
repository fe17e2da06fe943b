"""One byte-exact form of a document, its hash, and the JSON Schema."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from requests_app.spec.document import SPEC_VERSION, DatasetSpec


def _prune(model: BaseModel, dumped: dict[str, Any]) -> dict[str, Any]:
    """Drop a null where null is the field's default; keep it where it switches a default rule off.

    What a later version added is dropped at its default (see ``Strict.added_later``).
    """
    later: frozenset[str] = getattr(type(model), "added_later", frozenset())
    kept: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is None and field.default is None:
            continue
        if name in later and value == field.default:
            continue
        if isinstance(value, BaseModel):
            kept[name] = _prune(value, dumped[name])
        elif isinstance(value, tuple):
            kept[name] = [
                _prune(item, plain) if isinstance(item, BaseModel) else plain
                for item, plain in zip(value, dumped[name], strict=True)
            ]
        else:
            kept[name] = dumped[name]
    return kept


def spec_document(spec: DatasetSpec) -> dict[str, Any]:
    """The document as plain JSON values, defaults written out, empty optional lines left out."""
    return _prune(spec, spec.model_dump(mode="json"))


def canonical_json(spec: DatasetSpec) -> str:
    """The document as JSON with sorted keys, no spaces, UTF-8.

    Defaults are written out, because a contract must not depend on a program's defaults. Optional lines
    that are not asked are left out, and so is a field that a later version added where it has its default, so
    that a later version does not change the hash of an older document. `spec_from_json(canonical_json(spec)) == spec` always holds.
    """
    return json.dumps(
        spec_document(spec),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def spec_from_json(text: str | bytes) -> DatasetSpec:
    """Read a document. Raises pydantic.ValidationError; `explain_errors` puts it into plain words."""
    return DatasetSpec.model_validate_json(text)


def spec_sha256(spec: DatasetSpec) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(spec).encode("utf-8")).hexdigest()


#: Fields that every document has once it was read, and that nobody needs to write: ids are made from the content, what
#: de-identification keeps follows from its policy.
_MADE_WHEN_LEFT_OUT = {
    "ProjectionLine": {"check_id"},
    "QuotaCell": {"check_id"},
    "ShareCap": {"check_id"},
    "FindingLine": {"check_id"},
    "QualityMinimum": {"check_id"},
    "CustomFinding": {"key"},
    "Deidentification": {"dates", "device", "patient_characteristics"},
}


def spec_json_schema() -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of the document."""
    schema = DatasetSpec.model_json_schema(mode="validation")
    for name, made in _MADE_WHEN_LEFT_OUT.items():
        part = schema["$defs"][name]
        part["required"] = [field for field in part["required"] if field not in made]
        if not part["required"]:
            del part["required"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:getdata:dataset-spec:{SPEC_VERSION}",
        **schema,
    }
