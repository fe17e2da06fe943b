"""Names of software that labels may come from. A name that is not among these stays with the hospital: it may be a person's."""

from __future__ import annotations

import re

TOOLS = (
    "3D Slicer",
    "Annalise CXR",
    "CheXbert",
    "CheXpert labeler",
    "ChestLink",
    "ChestView",
    "CVAT",
    "GetDATA",
    "InferRead DR Chest",
    "ITK-SNAP",
    "Label Studio",
    "labelme",
    "LabelImg",
    "Lunit INSIGHT CXR",
    "MD.ai",
    "medspaCy",
    "MONAI Label",
    "NegBio",
    "OHIF Viewer",
    "qXR",
    "RadGraph",
    "Rayvolve",
    "Supervisely",
    "VGG Image Annotator",
    "VisualCheXbert",
)
OTHER = "other software"
_BY_KEY = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in TOOLS}
_VERSION = re.compile(r"^v?\d{1,4}(\.\d{1,6}){0,3}([-+.]?(a|b|rc|alpha|beta|dev|post)\.?\d{0,4})?$", re.IGNORECASE)


def known_tool(name: str) -> str:
    """The tool in our spelling, ``"other software"`` for anything else, "" for nothing."""
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    return _BY_KEY.get(key, OTHER) if name.strip() else ""


def known_version(text: str) -> str:
    """A version such as ``2.1`` or ``v1.0-rc1``; "" for anything that does not read like one."""
    return text.strip() if len(text) <= 30 and _VERSION.match(text.strip()) else ""
