"""View, patient position and portable from a header, with the attribute each was read from.

ViewPosition is missing in a third of real chest radiographs and wrong in many; the view may stand in
ViewCodeSequence (PS3.3 C.8.11.5, CID 4010) or only in the SeriesDescription. Sources are asked in that
order, the first that answers is taken, and any that contradicts it is named. A header never settles what
the picture shows: the truth checks on pixels come after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from fulfillment.conformance.values import code_values, text_value, text_values

FRONTAL = frozenset({"PA", "AP"})
LATERAL = frozenset({"LATERAL", "LL", "RL"})

_VIEW_POSITION = {
    "PA": "PA",
    "AP": "AP",
    "LL": "LL",
    "RL": "RL",
    "LAT": "LATERAL",
    "LATERAL": "LATERAL",
    "LLAT": "LL",
    "RLAT": "RL",
    "LLD": "DECUBITUS",
    "RLD": "DECUBITUS",
    "LLO": "OBLIQUE",
    "RLO": "OBLIQUE",
    "LAO": "OBLIQUE",
    "RAO": "OBLIQUE",
    "LPO": "OBLIQUE",
    "RPO": "OBLIQUE",
}
# SNOMED CT, and the older SNOMED-RT spelling that many devices still write, of CID 4010.
_VIEW_CODES = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
    "399067008": "LATERAL",
    "R-102CD": "LATERAL",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
    "399182000": "OBLIQUE",
    "399135007": "OBLIQUE",
    "399356000": "OBLIQUE",
    "399006002": "OBLIQUE",
    "399038007": "OBLIQUE",
}
_VIEW_WORDS = {
    "PA": "PA",
    "AP": "AP",
    "LL": "LL",
    "RL": "RL",
    "LAT": "LATERAL",
    "LATERAL": "LATERAL",
    "LATERALE": "LATERAL",
    "LATERALLY": "LATERAL",
    "SEITLICH": "LATERAL",
    "PROFIL": "LATERAL",
    "DECUBITUS": "DECUBITUS",
    "DECUB": "DECUBITUS",
    "OBLIQUE": "OBLIQUE",
    "OBL": "OBLIQUE",
}
_ERECT = frozenset({"ERECT", "UPRIGHT", "STANDING", "STEHEND", "SITTING", "DEBOUT", "BIPEDESTACION"})
_SUPINE = frozenset({"SUPINE", "LYING", "LIEGEND", "COUCHE"})
_SEMI = re.compile(r"\bSEMI[ \-]?(?:ERECT|UPRIGHT)\b|\bSEMIERECT\b")
_PORTABLE = frozenset({"PORTABLE", "PORTABEL", "PORTATIL", "MOBILE", "BEDSIDE", "BETTAUFNAHME"})
_CHEST = frozenset({"CHEST", "CXR", "THORAX", "XR"})
# CID 19 and CID 20, in SNOMED CT, NCI Thesaurus and the older SNOMED-RT spelling. "Recumbent" alone does not
# say on which side, so it is left out.
_POSITION_CODES = {
    "C86043": "erect",
    "10904000": "erect",
    "33586001": "erect",
    "102539006": "semi_erect",
    "40199007": "supine",
    "F-10440": "erect",
    "F-10320": "erect",
    "F-103A0": "erect",
    "F-10460": "semi_erect",
    "F-10340": "supine",
}
_DESCRIPTIONS = (
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "StudyDescription",
)


@dataclass(frozen=True, slots=True)
class Technique:
    """How the image was taken, as far as the header tells."""

    view: str | None = None
    view_source: str | None = None
    view_conflict: tuple[str, ...] = ()
    position: str | None = None
    position_source: str | None = None
    portable: bool | None = None
    portable_source: str | None = None


def _words(text: str) -> set[str]:
    # "P.A." and "a. p." are written with dots in many countries.
    joined = re.sub(r"\b([PA])\s*\.\s*([PA])\b\.?", r"\1\2", text.upper())
    return set(re.split(r"[^0-9A-Z]+", joined)) - {""}


def view_of_text(text: str) -> str | None:
    """The one view that a description names; None if it names none or several ("PA and lateral")."""
    views = {_VIEW_WORDS[word] for word in _words(text) if word in _VIEW_WORDS}
    if views == {"LATERAL", "LL"} or views == {"LATERAL", "RL"}:
        views.discard("LATERAL")
    if "DECUBITUS" in views:
        views = {"DECUBITUS"}
    return views.pop() if len(views) == 1 else None


def _plane(ds: Dataset) -> str | None:
    """Frontal or lateral by PatientOrientation (PS3.3 C.7.6.1.1.1): the row runs sideways or front to back."""
    row = (text_values(ds, "PatientOrientation") or [""])[0][:1].upper()
    if row in {"L", "R"}:
        return "frontal"
    return "lateral" if row in {"A", "P"} else None


def _plane_of(view: str) -> str | None:
    if view in FRONTAL:
        return "frontal"
    return "lateral" if view in LATERAL else None


def _agree(one: str, other: str) -> bool:
    return one == other or (one in LATERAL and other in LATERAL and "LATERAL" in {one, other})


def _view(ds: Dataset) -> tuple[str | None, str | None, tuple[str, ...]]:
    answers: list[tuple[str, str]] = []
    position = (text_value(ds, "ViewPosition") or "").upper().replace(".", "").strip()
    if position in _VIEW_POSITION:
        answers.append(("ViewPosition", _VIEW_POSITION[position]))
    elif (spelled := view_of_text(position)) is not None:
        answers.append(("ViewPosition", spelled))
    for code in code_values(ds, "ViewCodeSequence"):
        if code in _VIEW_CODES:
            answers.append(("ViewCodeSequence", _VIEW_CODES[code]))
            break
    described = view_of_text(text_value(ds, "SeriesDescription") or "")
    if described is not None:
        answers.append(("SeriesDescription", described))
    if not answers:
        return None, None, ()
    source, view = answers[0]
    against = [name for name, other in answers[1:] if not _agree(view, other)]
    plane = _plane(ds)
    if plane is not None and _plane_of(view) is not None and plane != _plane_of(view):
        against.append("PatientOrientation")
    # Any lateral answer can be made more exact by a source that names the side.
    if view == "LATERAL":
        for name, other in answers[1:]:
            if other in {"LL", "RL"}:
                source, view = name, other
                break
    return view, source, (source, *against) if against else ()


def _position(ds: Dataset) -> tuple[str | None, str | None]:
    for keyword in ("PatientOrientationModifierCodeSequence", "PatientOrientationCodeSequence"):
        for code in code_values(ds, keyword):
            if code in _POSITION_CODES:
                return _POSITION_CODES[code], keyword
    for item in getattr(ds, "PatientOrientationCodeSequence", None) or []:
        for code in code_values(item, "PatientOrientationModifierCodeSequence"):
            if code in _POSITION_CODES:
                return _POSITION_CODES[code], "PatientOrientationModifierCodeSequence"
    for keyword in _DESCRIPTIONS:
        text = (text_value(ds, keyword) or "").upper()
        if _SEMI.search(text):
            return "semi_erect", keyword
        words = _words(text)
        found = {"erect"} if words & _ERECT else set()
        found |= {"supine"} if words & _SUPINE else set()
        if len(found) == 1:
            return found.pop(), keyword
    return None, None


def _portable(ds: Dataset) -> tuple[bool | None, str | None]:
    for keyword in _DESCRIPTIONS:
        words = _words(text_value(ds, keyword) or "")
        # "PORT" alone may be a port catheter; beside "CHEST" it is short for portable.
        if words & _PORTABLE or ("PORT" in words and words & _CHEST):
            return True, keyword
    return None, None


def read_technique(ds: Dataset) -> Technique:
    """View, position and portable of a header."""
    view, view_source, conflict = _view(ds)
    position, position_source = _position(ds)
    portable, portable_source = _portable(ds)
    return Technique(view, view_source, conflict, position, position_source, portable, portable_source)
