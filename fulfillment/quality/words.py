"""Each component in the words of a hospital: what it looks at, what spoils it, what to do. Pure data, one place for every page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComponentWords:
    """``picture`` says in words what the strip of pictures shows, for those who cannot see it."""

    name: str
    sees: str
    spoils: tuple[str, ...]
    cure: str
    picture: str

    @property
    def title(self) -> str:
        return self.name.capitalize()


COMPONENTS: tuple[ComponentWords, ...] = (
    ComponentWords(
        "resolution",
        "How much real detail the picture holds, whatever its size in pixels.",
        ("an export in a viewer's window size", "a reduced copy that was enlarged again", "a screen capture"),
        "Send the original matrix from the archive, neither reduced nor enlarged.",
        "The same ribs four times: fine detail at first, then less of it, and coarse squares at last.",
    ),
    ComponentWords(
        "sharpness",
        "How steep the edges of ribs, heart and diaphragm are.",
        ("motion of the patient or of the tube", "strong smoothing by the system", "enlargement"),
        "Leave out images with motion, and send originals from before smoothing.",
        "The same ribs four times: crisp edges at first, then softer, and smeared at last.",
    ),
    ComponentWords(
        "noise",
        "How much grain lies over the quiet parts of the picture.",
        ("too little exposure", "edge enhancement that lifts the grain", "a worn imaging plate"),
        "Check the exposure, and send originals without sharpening.",
        "The same ribs four times: calm at first, then under growing grain.",
    ),
    ComponentWords(
        "depth",
        "How many grey levels are really in use.",
        ("an 8-bit export, also when it is put back into a 12-bit file", "a picture saved from a viewer", "a scan of a print"),
        "Send the original DICOM file, not a viewer's export.",
        "Lung, heart and spine four times: smooth at first, then in ever coarser steps of grey.",
    ),
    ComponentWords(
        "clipping",
        "Whether bright and dark parts still hold detail, or were cut off at white and black.",
        ("a copy saved with a narrow window", "over- or underexposure", "a display setting written into the pixels"),
        "Send the stored values, not a windowed copy.",
        "Lung and spine four times: detail everywhere at first, then areas of plain black and plain white that grow.",
    ),
    ComponentWords(
        "blockiness",
        "Whether JPEG compression left its squares of 8 by 8 pixels.",
        ("lossy compression in the archive", "a JPEG from a viewer or an e-mail", "a video frame"),
        "Send a losslessly stored original.",
        "The same ribs four times: clean at first, then with squares that grow until the ribs are gone.",
    ),
    ComponentWords(
        "contrast",
        "How clearly ribs, vessels and hila stand out from what is around them.",
        ("strong scatter without a grid", "a wide processing window", "something else than a chest in the picture"),
        "Check exposure, grid and processing, and that the image shows a chest.",
        "Ribs and vessels four times: distinct at first, then paler, and almost one grey at last.",
    ),
    ComponentWords(
        "coverage",
        "Whether the whole exposure is in the picture, or a crop of it. Of frontal views only.",
        ("cropping in a viewer before the export", "collimation that cuts into the lungs", "a detail enlarged from a larger picture"),
        "Send the picture as it was taken, not a section of it.",
        "A chest four times: whole at first, then cropped more and more, until the lungs run out of the picture.",
    ),
)  # fmt: skip
BY_NAME: dict[str, ComponentWords] = {words.name: words for words in COMPONENTS}

#: From this many points on, in words. The bounds are for reading only; what is enough is for the request to say.
BANDS: tuple[tuple[float, str], ...] = ((85, "good"), (70, "fair"), (50, "weak"))


def band(value: float) -> str:
    """A score of 0 to 100 in a word: good, fair, weak or poor."""
    return next((word for least, word in BANDS if value >= least), "poor")
