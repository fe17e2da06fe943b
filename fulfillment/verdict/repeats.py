"""Whether an image can be kept beside what is already here: the same instance, the same picture, a study of two patients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from fulfillment.conformance.facts import ImageFacts


@dataclass(frozen=True)
class Twin:
    """An image that is here. ``place`` names it to the hospital, ``key`` to the caller."""

    place: str
    pixel_sha256: str
    key: Any = field(default=None, repr=False)


class Here(Protocol):
    """What is kept already, of one hospital for one request; the image in question is not among it."""

    def of_instance(self, sop_instance_uid: str | None) -> Twin | None:
        """The image with that replaced SOPInstanceUID."""

    def of_picture(self, pixel_sha256: str) -> Twin | None:
        """An image with these pixels, after masking or before."""

    def of_another_patient(self, study_uid: str | None, patient: str | None) -> bool:
        """Whether the study holds images of another patient."""


@dataclass(frozen=True)
class Repetition:
    """Why an image is not kept. ``twin`` is the one kept in its place, and whose labels it shares."""

    status: Literal["rejected", "quarantined"]
    code: str
    message: str
    remedy: str
    twin: Twin | None = None


def repetition(facts: ImageFacts, pixel_sha256: str, here: Here) -> Repetition | None:
    """None where nothing speaks against keeping it."""
    twin = here.of_instance(facts.sop_instance_uid)
    if twin is not None:
        same = twin.pixel_sha256 == pixel_sha256
        return Repetition(
            "rejected" if same else "quarantined",
            "DUPLICATE_INSTANCE" if same else "SAME_UID_OTHER_PIXELS",
            f"The same SOPInstanceUID was already delivered as {twin.place}"
            + ("." if same else ", with different pixels."),
            "Nothing to do: the first one is kept."
            if same
            else "Find out which one is right, withdraw the other, resend.",
        )
    twin = here.of_picture(pixel_sha256)
    if twin is not None:
        return Repetition(
            "rejected",
            "DUPLICATE_IMAGE",
            f"The same picture was already delivered as {twin.place}.",
            "Nothing to do: the first one is kept, with the labels of both. Send another image if you meant a different one.",
            twin,
        )
    if here.of_another_patient(facts.study_uid, facts.patient):
        return Repetition(
            "quarantined",
            "STUDY_HAS_TWO_PATIENTS",
            "Images of the same study came under two different PatientIDs.",
            "Correct the PatientID in your PACS and resend the study.",
        )
    return None
