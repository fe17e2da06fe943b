"""The marks of de-identification (DEID.md, section 10): only options that were really applied are claimed."""

from __future__ import annotations

from deid.dicomfile.element import DataSet, Element
from deid.outcome import MaskBox
from deid.policy import Policy

_CODES = {
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113105": "Clean Descriptors Option",
    "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113109": "Retain Device Identity Option",
    "113111": "Retain Safe Private Option",
}


MARK_WORDS = frozenset(word.casefold() for meaning in _CODES.values() for word in meaning.split()) | frozenset(
    ["burned", "text", "masked", "regions", "frame", "width", "height", "boxes", "audit", "record"]
)
"""Words that every output holds because the marks hold them."""


def option_codes(policy: Policy) -> tuple[str, ...]:
    """CID 7050 codes of the profile and options that a policy applies (PS3.16)."""
    codes = ["113100"]
    if policy.clean_pixels:
        codes.append("113101")
    if policy.clean_descriptors:
        codes.append("113105")
    codes.append("113106" if policy.date_mode == "keep" else "113107")
    if policy.retain_patient_characteristics:
        codes.append("113108")
    if policy.retain_device_model:
        codes.append("113109")
    if policy.retain_safe_private:
        codes.append("113111")
    return tuple(codes)


def put_marks(dataset: DataSet, policy: Policy, engine: str, edition: str, boxes: tuple[MaskBox, ...]) -> None:
    """Write the marks, and the mask boxes in words (DerivationDescription), into a cleaned data set."""
    dataset.put(Element(0x00120062, "CS", b"YES"))
    method = "\\".join((f"GetDATA deid {engine}", edition, policy.label))
    dataset.put(Element(0x00120063, "LO", method.encode("ascii")))
    items = []
    for code in option_codes(policy):
        item = DataSet()
        item.put(Element(0x00080100, "SH", code.encode("ascii")))
        item.put(Element(0x00080102, "SH", b"DCM"))
        item.put(Element(0x00080104, "LO", _CODES[code].encode("ascii")))
        items.append(item)
    dataset.put(Element(0x00120064, "SQ", items))
    temporal = b"UNMODIFIED" if policy.date_mode == "keep" else b"MODIFIED"
    dataset.put(Element(0x00280303, "CS", temporal))
    dataset.put(Element(0x00280301, "CS", b"NO"))
    if boxes:
        listed = "; ".join(f"{b.frame}: {b.x} {b.y} {b.width} {b.height}" for b in boxes)
        words = f"Burned-in text masked, {len(boxes)} regions (frame: x y width height): {listed}"
        if len(words) > 1024:
            words = f"Burned-in text masked, {len(boxes)} regions; the boxes are in the audit record."
        earlier = dataset.get(0x00082111)
        if earlier is not None and earlier.raw and len(earlier.raw) + 2 + len(words) <= 1024:
            words = earlier.raw.decode("utf-8") + ". " + words
        dataset.put(Element(0x00082111, "ST", words.encode("utf-8")))
