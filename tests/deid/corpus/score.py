"""Scoring an output against the answer key: leaks, withheld files, and what of the useful data is gone."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.deid.corpus.build import Case
from tests.deid.corpus.identity import DATE_WAYS, plain, spell_date

_CODECS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso2022_jp_2", "euc_kr", "gb18030", "iso8859_5", "iso8859_6",
           "iso8859_7", "iso8859_8", "tis_620")  # fmt: skip


@dataclass
class Score:
    """Counts and the list of failures, each with its place. Values are the corpus's own inventions."""

    files: int = 0
    releasable: int = 0
    withheld: list[tuple[str, str]] = field(default_factory=list)
    leaks: list[tuple[str, str, str]] = field(default_factory=list)
    checks: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)

    @property
    def leaking_files(self) -> int:
        """Files with at least one leak."""
        return len({name for name, *_ in self.leaks})

    @property
    def withheld_share(self) -> float:
        """Share of releasable files that were withheld."""
        return len(self.withheld) / max(1, self.releasable)

    @property
    def kept_share(self) -> float:
        """Share of what must survive that did."""
        return 1 - len(self.lost) / max(1, self.checks)

    def text(self) -> str:
        """The report."""
        lines = [
            f"files {self.files}, releasable {self.releasable}",
            f"leaking files {self.leaking_files}",
            f"withheld {len(self.withheld)} ({self.withheld_share:.1%}): {dict(Counter(r for _, r in self.withheld))}",
            f"kept {self.checks - len(self.lost)} of {self.checks} ({self.kept_share:.2%})",
        ]
        lines += [f"  leak {name}: {kind} in {place}" for name, kind, place in self.leaks[:60]]
        lines += [f"  withheld {name}: {reason}" for name, reason in self.withheld[:30]]
        lines += [f"  lost {what}: {count}" for what, count in Counter(what for _, what in self.lost).most_common(60)]
        return "\n".join(lines)


def score(cases: list[Case], outputs: dict[str, bytes], reasons: dict[str, str], *, date_mode: str = "shift") -> Score:
    """outputs: original SOPInstanceUID -> released bytes; reasons: original SOPInstanceUID -> reason when withheld."""
    result = Score(files=len(cases))
    read = {case.instance: dcmread(io.BytesIO(outputs[case.instance])) for case in cases if case.instance in outputs}
    for case in cases:
        result.releasable += case.releasable
        if case.instance not in outputs:
            if case.releasable:
                result.withheld.append((case.name, reasons.get(case.instance, "missing")))
            continue
        if not case.releasable:
            result.leaks.append((case.name, "must have been withheld", reasons.get(case.instance, "released")))
        _leaks(result, case, outputs[case.instance], read[case.instance])
        _kept(result, case, read[case.instance], read)
    if date_mode == "shift":
        _intervals(result, cases, read)
    return result


def _outside_pixels(data: bytes, ds: Dataset) -> bytes:
    pixels = ds.PixelData
    if ds["PixelData"].is_undefined_length:
        at = data.rfind(b"\xe0\x7f\x10\x00")
        return data[:at]
    at = data.rfind(pixels)
    return data[:at] + data[at + len(pixels) :]


def _leaks(result: Score, case: Case, data: bytes, ds: Dataset) -> None:
    header = _outside_pixels(data, ds)
    low, folded = header.lower(), plain(header.decode("utf-8", "replace")).casefold()
    compact = re.sub(r"[^0-9a-z]", "", folded)
    for kind, text in sorted(set(case.secrets)):
        found = False
        if kind == "date":
            day = date.fromisoformat(text)
            spellings = {spell_date(day, way) for way in range(DATE_WAYS)} - {day.strftime("%d.%m.%y")}
            found = any(plain(s).casefold() in folded for s in spellings)
        elif kind in ("number", "uid"):
            bare = "".join(c for c in text if c.isalnum()).lstrip("0").casefold()
            found = text.casefold() in folded or (
                bool(re.search(rf"(?<!\d){bare}(?!\d)", folded)) if kind == "number" else False
            )
            found = found or (kind == "number" and len(bare) >= 7 and not bare.isdigit() and bare in compact)
        else:
            variants = {text, plain(text)}
            found = any(plain(v).casefold() in folded for v in variants)
            bare = plain(text).casefold()
            found = found or (bare.isascii() and bare.isalpha() and len(bare) >= 7 and bare in compact)
            for codec in _CODECS:
                for variant in variants:
                    try:
                        raw = variant.encode(codec).lower()
                    except UnicodeEncodeError:
                        continue
                    found = found or (len(raw) >= 4 and raw in low)
        if found:
            result.leaks.append((case.name, kind, _place(ds, text)))
    name = case.person.physician.encode()
    if data[:128] != b"\0" * 128 or name in data:
        result.leaks.append((case.name, "name", "preamble or Pixel Data"))


def _place(ds: Dataset, text: str) -> str:
    """Where pydicom sees it: keyword, or "bytes"."""
    for element in ds.iterall():
        if element.VR != "SQ" and plain(text).casefold() in plain(str(element.value)).casefold():
            return element.keyword or str(element.tag)
    return next((f"near {keyword}" for keyword in _near(ds, text)), "bytes")


def _near(ds: Dataset, text: str) -> list[str]:
    bare = "".join(c for c in text if c.isalnum()).lstrip("0").casefold()
    return [
        e.keyword for e in ds.iterall() if e.VR != "SQ" and bare in re.sub(r"[^0-9a-z]", "", str(e.value).casefold())
    ]


def _check(result: Score, case: Case, ok: bool, what: str) -> None:
    result.checks += 1
    if not ok:
        result.lost.append((case.name, what))


def _kept(result: Score, case: Case, out: Dataset, read: dict[str, Dataset]) -> None:
    for keyword, value in case.kept.items():
        if keyword.startswith("private"):
            kept = [e.value for e in out if e.tag.group == 0x0045]
            _check(result, case, value in kept, keyword)
            continue
        have = out.get(keyword)
        listed = (
            [str(v) for v in have]
            if isinstance(value, list) and have is not None and not isinstance(have, str)
            else have
        )
        want = [str(v) for v in value] if isinstance(value, list) else value
        _check(result, case, str(listed) == str(want), f"{keyword} {value}")
    for keyword, words in case.words.items():
        have_words = re.findall(r"\w+", str(out.get(keyword, "")).casefold())
        for word in words:
            parts = re.findall(r"\w+", word.casefold())
            _check(result, case, all(p in have_words for p in parts), f"{keyword} word {word}")
    if case.lut:
        item = out.get("VOILUTSequence", [Dataset()])[0]
        data = item.get("LUTData", b"")
        listed = data if isinstance(data, bytes) else np.asarray(data, "<u2").tobytes()
        _check(result, case, listed == np.asarray(case.lut, "<u2").tobytes(), "VOILUTSequence")
    for keyword in ("ViewCodeSequence", "AnatomicRegionSequence"):
        items = out.get(keyword) or [Dataset()]
        _check(
            result, case, bool(items[0].get("CodeValue")) and "REMOVED" not in str(items[0].get("CodeMeaning")), keyword
        )
    for position, uid in enumerate(case.references):
        if uid in read and "SourceImageSequence" in out:
            have_uid = out.SourceImageSequence[position].get("ReferencedSOPInstanceUID")
            _check(result, case, have_uid == read[uid].SOPInstanceUID, "UID reference")
    if case.pixels is not None:
        _check(
            result,
            case,
            np.array_equal(out.pixel_array, case.pixels.reshape(out.pixel_array.shape)),
            f"pixels {case.syntax}",
        )


def _intervals(result: Score, cases: list[Case], read: dict[str, Dataset]) -> None:
    """Days between two images of one patient are the same before and after; one PatientID a person, one UID a study."""
    seen: dict[str, list[Case]] = {}
    for case in cases:
        if case.instance in read:
            seen.setdefault(case.person.root, []).append(case)
    ids: dict[str, str] = {}
    for members in seen.values():
        first = read[members[0].instance]
        for case in members:
            out = read[case.instance]
            _check(result, case, out.PatientID == first.PatientID, "one PatientID a person")
            same = case.study == members[0].study
            _check(result, case, (out.StudyInstanceUID == first.StudyInstanceUID) == same, "StudyInstanceUID")
            for keyword in ("StudyDate", "AcquisitionDate", "ContentDate", "SeriesDate"):
                try:
                    moved = _day(str(out.get(keyword))) - _day(str(first.StudyDate))
                except ValueError:
                    _check(result, case, False, f"interval of {keyword}")
                    continue
                _check(result, case, moved == case.visit - members[0].visit, f"interval of {keyword}")
        _check(
            result,
            members[0],
            ids.setdefault(str(first.PatientID), members[0].person.root) == members[0].person.root,
            "patients apart",
        )


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
