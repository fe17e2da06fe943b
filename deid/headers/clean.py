"""Cleaning a data set: every element at every depth gets the action that `decide` names. Nothing here knows
about pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deid.dicomfile.charset import OUTPUT_CHARACTER_SET, decode, read_charset
from deid.dicomfile.element import (
    BULK_SIZES,
    NUMBER_SIZES,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    DataSet,
    Element,
    keyword,
    standard_vr,
)
from deid.dicomfile.read import is_uid
from deid.headers import dates
from deid.headers.carriers import LUT_DATA, carries_text, has_long_number, is_true_table, private_carries_text
from deid.headers.codes import clean_code
from deid.headers.decide import Action, decide
from deid.headers.private import creators, safe_form
from deid.headers.registered import is_registered_uid
from deid.headers.required import type_2
from deid.headers.terms import defined_term
from deid.keyring import Keyring
from deid.outcome import AuditRecord
from deid.policy import Policy
from deid.text.clean import clean_text, safe_code
from deid.text.identifiers import Identifiers

_LENGTHS = {"SH": 16, "LO": 64, "CS": 16, "UC": 4096, "ST": 1024, "LT": 10240, "UT": 65536}
_DUMMIES = {
    "DA": b"19000101",
    "DT": b"19000101000000",
    "TM": b"000000",
    "AS": b"000Y",
    "DS": b"0",
    "IS": b"0",
    "CS": b"REMOVED",
    "UR": b"about:blank",
}
# Type 1 where they stand: a value that says nothing instead of none (PS3.3 C.11.1, C.7.6.16).
_UNSPECIFIED = {0x00281054: b"US", 0x00283004: b"US", 0x00200062: b"U"}
_IMAGE_DATES = frozenset({0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x0008002A})
_CODED = (0x00080100, 0x00080119, 0x00080120, 0x00080102, 0x00080103, 0x00080104)
_CODE_VALUES = (0x00080100, 0x00080119, 0x00080120)
_TOUCHED_LIMIT = 4000
_LONGEST_TEXT = 10_240
"""Bytes: the most that LT holds. Longer text is emptied unread: it is no description, and cleaning it takes long."""
_NUMBER_DS = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\Z")
_NUMBER_IS = re.compile(r"[+-]?\d{1,12}\Z")
_LETTERS = re.compile(rb"[\x20-\x7e]+")
_ENUMERATED = {
    0x00100040: frozenset({"M", "F", "O"}),  # PatientSex
    0x00280301: frozenset({"YES", "NO"}),
}


@dataclass(frozen=True)
class PatientKeys:
    """The replacements that hold for a whole object: pseudonym of the patient and days to move dates back."""

    pseudonym: str
    shift_days: int


class HeaderCleaner:
    """Cleans one object's data set. One instance for one object; it counts into the audit record."""

    def __init__(
        self, policy: Policy, keyring: Keyring, identifiers: Identifiers, patient: PatientKeys, record: AuditRecord
    ) -> None:
        self._policy = policy
        self._keyring = keyring
        self._identifiers = identifiers
        self._patient = patient
        self._record = record
        self._sop_class = ""
        self._signed = False
        self._born = ""
        self._newborn = False
        runs = (run.lstrip("0") for word in identifiers.words for run in re.findall(r"\d{5,}", word))
        self._own_numbers = frozenset(run for run in runs if len(run) >= 5) | identifiers.dates

    def clean(self, source: DataSet) -> DataSet:
        """A new data set without pixels; `source` is left as it was."""
        self._sop_class = source.ascii(0x00080016)
        self._signed = source.number(0x00280103) == 1
        born = dates.parse_da(source.ascii(0x00100030))
        self._born = born[0].strftime("%Y%m%d") if born and born[1] == 8 else ""
        self._newborn = bool(self._born) and re.sub(r"\D", "", source.ascii(0x00080020)) == self._born
        result = self._dataset(source, ("iso8859",), "", top=True)
        for tag in type_2(self._sop_class):
            if tag not in result:
                vr = _plain_vr(tag, "", self._signed)
                result.put(Element(tag, vr, [] if vr == "SQ" else b""))
        pseudonym = self._patient.pseudonym.encode("ascii")
        # Also where the original was blank: blank identifiers would merge all such patients into one.
        result.put(Element(0x00100010, "PN", pseudonym))
        result.put(Element(0x00100020, "LO", pseudonym))
        result.put(Element(SPECIFIC_CHARACTER_SET, "CS", OUTPUT_CHARACTER_SET))
        self._fill_age(source, result)
        return result

    def _dataset(self, source: DataSet, inherited: tuple[str, ...], path: str, *, top: bool) -> DataSet:
        declared = source.get(SPECIFIC_CHARACTER_SET)
        codecs = read_charset(declared.raw) if declared is not None and declared.raw else inherited
        blocks = creators(source)
        result = DataSet()
        kept_blocks: set[int] = set()
        for tag in sorted(source.elements):
            element = source.elements[tag]
            if tag == SPECIFIC_CHARACTER_SET:
                continue
            action = decide(tag, self._policy, self._sop_class, top=top)
            here = f"{path}{keyword(tag)}"
            if action == "pixels":
                continue
            if action == "private":
                cleaned, action_name = self._private(element, blocks), "private-kept"
                if cleaned is not None:
                    kept_blocks.add(tag & 0xFFFFFF00)
            else:
                cleaned, action_name = self._apply(action, element, codecs, here, top), action
            self._note(action_name if cleaned is not None else "remove", here)
            if cleaned is not None:
                result.put(cleaned)
        for block in sorted(kept_blocks):
            creator_tag = (block >> 16) << 16 | (block >> 8) & 0xFF
            result.put(Element(creator_tag, "LO", blocks[block].encode("ascii")))
        return result

    def _note(self, action: str, path: str) -> None:
        self._record.actions[action] += 1
        if action != "value" and len(self._record.touched) < _TOUCHED_LIMIT:
            self._record.touched[path] = action

    def _private(self, element: Element, blocks: dict[int, str]) -> Element | None:
        if not self._policy.retain_safe_private or not isinstance(element.value, bytes):
            return None
        form = safe_form(element.tag, blocks)
        if form is None or element.vr not in (form[0], "UN"):
            return None
        vr, most = form
        value = _valid_numbers(element.value, vr)
        if _how_many(value, vr) > most or (NUMBER_SIZES.get(vr, 1) > 2 and _LETTERS.fullmatch(value)):
            return None  # text in a number's place: implicit VR does not tell them apart
        if value and vr in ("DS", "IS") and not self._harmless_numbers(value):
            return None
        if private_carries_text(vr, value):
            return None
        return Element(element.tag, vr, value) if value else None

    def _apply(self, action: Action, element: Element, codecs: tuple[str, ...], path: str, top: bool) -> Element | None:
        tag = element.tag
        if action == "remove":
            return None
        vr = _plain_vr(tag, element.vr, self._signed)
        if vr == "SQ":
            return self._sequence(action, element, codecs, path)
        if not isinstance(element.value, bytes):
            return None
        empty = Element(tag, vr, b"")
        blank = not element.value.strip(b" \0") if vr in STRING_VRS else not element.value
        if action == "empty" or blank:
            return empty
        if action == "dummy":
            return Element(tag, vr, _DUMMIES.get(vr, b"REMOVED" if vr in STRING_VRS else b""))
        if not _same_kind(element.vr, vr):
            return empty
        if vr in NUMBER_SIZES or vr in BULK_SIZES:
            size = NUMBER_SIZES.get(vr) or BULK_SIZES[vr]
            harmless = len(element.value) % size == 0 and not carries_text(tag, vr, element.value)
            return Element(tag, vr, element.value) if harmless else empty
        if len(element.value) > _LONGEST_TEXT:
            return empty
        text = decode(element.value, codecs)
        value = self._text_value(action, tag, vr, text, top)
        if value is None:
            return Element(tag, vr, _UNSPECIFIED.get(tag, b""))
        return Element(tag, vr, value.encode("utf-8"))

    def _sequence(self, action: Action, element: Element, codecs: tuple[str, ...], path: str) -> Element | None:
        if not isinstance(element.value, list):
            return None
        if action == "empty":
            return Element(element.tag, "SQ", [])
        if action not in ("recurse", "value", "text", "date"):
            return None
        items = []
        for index, item in enumerate(element.value):
            cleaned = self._dataset(item, codecs, f"{path}[{index}].", top=False)
            if any(code in item for code in _CODE_VALUES) and not self._code(item, cleaned, codecs):
                if 0x00081155 not in item:
                    continue  # a code without its value says nothing
                for tag in _CODED:  # but a reference is one without the code that somebody put beside it
                    cleaned.elements.pop(tag, None)
            if LUT_DATA in item and not is_true_table(cleaned):
                continue
            items.append(cleaned)
        if not items and any(LUT_DATA in item for item in element.value):
            return None
        return Element(element.tag, "SQ", items)

    def _code(self, item: DataSet, cleaned: DataSet, inherited: tuple[str, ...]) -> bool:
        """Judge a coded entry as a whole, into `cleaned`; False when it must go."""
        declared = item.get(SPECIFIC_CHARACTER_SET)
        codecs = read_charset(declared.raw) if declared is not None and declared.raw else inherited
        place = next(code for code in _CODE_VALUES if code in item)
        value, scheme, meaning = (
            decode(element.raw, codecs).strip(" \0") if (element := item.get(tag)) is not None else ""
            for tag in (place, 0x00080102, 0x00080104)
        )
        found = clean_code(
            scheme, value, meaning, self._identifiers,
            lambda text: clean_text(text, self._identifiers)[:64].strip(),
            lambda text: self._keyring.dummy("code", text),
        )  # fmt: skip
        if found is None:
            return False
        for code in _CODE_VALUES:
            cleaned.elements.pop(code, None)
        kept = Element(place, _plain_vr(place, "", False), found[1].encode("utf-8"))
        if place != 0x00080100 and found[1] != value:
            kept = Element(0x00080100, "SH", found[1].encode("utf-8"))
        cleaned.put(kept)
        cleaned.put(Element(0x00080102, "SH", found[0].encode("utf-8")))
        cleaned.put(Element(0x00080104, "LO", found[2].encode("utf-8")))
        return True

    def _text_value(self, action: Action, tag: int, vr: str, text: str, top: bool) -> str | None:
        """The new value as text, None for "empty it"."""
        if action in ("patient-name", "patient-id"):
            return self._patient.pseudonym
        if action == "accession":
            return self._keyring.accession(text)
        if action == "study-id":
            return self._keyring.study_id(text)
        if action == "age":
            return dates.cap_age(text, self._policy.age_cap_years)
        parts = [part.strip(" \0") for part in text.split("\\")] if vr not in ("ST", "LT", "UT", "UR") else [text]
        if action == "uid" or vr == "UI":
            return "\\".join(self._uid(part) for part in parts)
        if action == "date":
            return self._dates(vr, tag, parts)
        if action in ("text", "device"):
            limit = _LENGTHS.get(vr, 64)
            cleaned = [self._clean(tag, part, vr, action == "device")[:limit].strip() for part in parts]
            return "\\".join(cleaned) if any(cleaned) else None
        return self._plain(tag, vr, parts)

    def _clean(self, tag: int, part: str, vr: str, device: bool) -> str:
        if defined_term(tag, part):
            return part.upper() if vr == "CS" else part
        if vr == "CS":
            return safe_code(part, self._identifiers)
        return clean_text(part, self._identifiers, device=device)

    def _uid(self, text: str) -> str:
        if not text:
            return ""
        return text if is_registered_uid(text) else self._keyring.uid(text)

    def _dates(self, vr: str, tag: int, parts: list[str]) -> str | None:
        results = []
        for part in parts:
            moved = self._one_date(vr, tag, part) if part else ""
            if moved is None:
                return None
            results.append(moved)
        return "\\".join(results) if any(results) else None

    def _one_date(self, vr: str, tag: int, part: str) -> str | None:
        mode = self._policy.date_mode
        if vr == "TM":
            return dates.valid_tm(part) if mode != "year" else None
        if vr not in ("DA", "DT"):
            return dates.valid_offset(part) if tag == 0x00080201 and mode != "year" else None
        image = self._newborn and tag in _IMAGE_DATES
        if self._born and not image and re.sub(r"[.\-/]", "", part).startswith(self._born):
            return None  # the birth date goes wherever it stands; of a newborn the image's own dates stay
        if mode == "year":
            moved = dates.year_da(part) if vr == "DA" else dates.year_dt(part)
        else:
            days = self._patient.shift_days if mode == "shift" else 0
            moved = dates.shift_da(part, days) if vr == "DA" else dates.shift_dt(part, days)
        return moved

    def _plain(self, tag: int, vr: str, parts: list[str]) -> str | None:
        if vr == "CS":
            allowed = _ENUMERATED.get(tag)
            codes = [self._clean(tag, part, vr, False) if part else "" for part in parts]
            if allowed is not None:
                codes = [code if code in allowed else "" for code in codes]
            return "\\".join(codes) if any(codes) else None
        if vr in ("DS", "IS"):
            joined = _valid_numbers("\\".join(parts).encode("utf-8"), vr)
            return joined.decode("ascii") if joined and self._harmless_numbers(joined) else None
        if vr == "AS":
            return dates.cap_age(parts[0], self._policy.age_cap_years)
        if vr in _LENGTHS:
            cleaned = [self._clean(tag, part, vr, False)[: _LENGTHS[vr]].strip() for part in parts]
            return "\\".join(cleaned) if any(cleaned) else None
        return None

    def _harmless_numbers(self, joined: bytes) -> bool:
        """Whether no number is one of the patient's own (record number, accession number, a date), or as long as such are."""
        if has_long_number(joined.decode("ascii")):
            return False
        for part in joined.decode("ascii").split("\\"):
            digits = part.strip().lstrip("+-0")
            if len(digits) >= 5 and digits.split(".")[0] in self._own_numbers:
                return False
        return True

    def _fill_age(self, source: DataSet, result: DataSet) -> None:
        """Age from birth date and study date where it is missing (DEID.md, section 3); the birth date itself
        is emptied."""
        age = result.get(0x00101010)
        if not self._policy.retain_patient_characteristics or (age is not None and age.raw):
            return
        born, seen = dates.parse_da(source.ascii(0x00100030)), None
        for tag in (0x00080020, 0x00080022, 0x00080021, 0x00080023):
            seen = seen or dates.parse_da(source.ascii(tag))
        if born and seen and born[1] == 8 and seen[1] == 8:
            text = dates.age_at(born[0], seen[0])
            capped = dates.cap_age(text, self._policy.age_cap_years) if text else None
            if capped:
                result.put(Element(0x00101010, "AS", capped.encode("ascii")))
                self._record.actions["age-computed"] += 1


def _plain_vr(tag: int, declared: str, signed: bool) -> str:
    """One VR to write: PS3.6's, with the ambiguous ones settled by what came or by PixelRepresentation."""
    vr = standard_vr(tag) or "UN"
    if " or " not in vr:
        return vr
    choices = vr.split(" or ")
    if set(choices) >= {"US", "SS"}:
        return "SS" if signed else "US"
    return declared if declared in choices else "OW"


def _same_kind(have: str, want: str) -> bool:
    """Whether a declared VR can be read as the standard's VR: text as text, numbers of one size as numbers."""
    if have == "UN" or have == want:
        return True
    if have in STRING_VRS and want in STRING_VRS:
        return True
    if (have in ("US", "SS") and want in ("US", "SS")) or (have in ("UL", "SL") and want in ("UL", "SL")):
        return True
    return (have in BULK_SIZES and want in BULK_SIZES) or {have, want} <= {"US", "SS", "OW"}


def _valid_numbers(raw: bytes, vr: str) -> bytes:
    """The value when every number in it is well formed, else nothing."""
    size = NUMBER_SIZES.get(vr)
    if size:
        return raw if raw and len(raw) % size == 0 else b""
    parts = raw.decode("latin-1").split("\\")
    pattern = _NUMBER_DS if vr == "DS" else _NUMBER_IS
    cleaned = [part.strip(" \0") for part in parts]
    if not any(cleaned) or not all(pattern.match(part) for part in cleaned if part):
        return b""
    return "\\".join(cleaned).encode("ascii")


def _how_many(value: bytes, vr: str) -> int:
    size = NUMBER_SIZES.get(vr)
    return len(value) // size if size else value.count(b"\\") + 1


def uid_or_refuse(dataset: DataSet, tag: int) -> str:
    """A well-formed UID of the data set, or an empty string."""
    text = dataset.ascii(tag)
    return text if is_uid(text) else ""
