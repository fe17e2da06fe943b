"""Every reason for which the engine withholds an object or asks for a human look, in words for a PACS administrator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Reason:
    """Why an object was withheld.

    kind: "rejected" when the object can never be accepted as it is (wrong class, not DICOM), "quarantined" when the
        engine could not prove it clean, "review" when it is released by the engine but a person must look.
    cause, remedy: plain sentences without any value of the file.
    """

    code: str
    kind: Literal["rejected", "quarantined", "review"]
    cause: str
    remedy: str


_ALL = (
    Reason(
        "not-dicom",
        "rejected",
        "The file is not a DICOM file: it has no DICOM marker and its first bytes are no DICOM data.",
        "Export the image from the PACS as DICOM (Part 10) and send that file. Leave text files and pictures out.",
    ),
    Reason(
        "dicomdir",
        "rejected",
        "The file is a DICOMDIR, the index of a disc, which lists patients and holds no image.",
        "Leave the DICOMDIR out; the images it points to can be sent by themselves.",
    ),
    Reason(
        "encapsulated-document",
        "rejected",
        "The object carries a document (PDF, CDA or another format), not an image.",
        "Send the image objects of the study only. Reports travel through the report channel of the request.",
    ),
    Reason(
        "structured-report",
        "rejected",
        "The object is a structured report or key object selection, whose text cannot be released as an image.",
        "Send the image objects of the study only.",
    ),
    Reason(
        "presentation-state",
        "rejected",
        "The object is a presentation state, which holds annotations and no image of its own.",
        "Send the images that the presentation state refers to.",
    ),
    Reason(
        "radiotherapy-object",
        "rejected",
        "The object belongs to radiotherapy (plan, dose, structure set or treatment record).",
        "Send chest radiographs (CR, DX, or secondary captures of them).",
    ),
    Reason(
        "video-object",
        "rejected",
        "The object is a video or uses a video encoding, which this engine does not examine.",
        "Send single radiographs.",
    ),
    Reason(
        "wrong-class",
        "rejected",
        "The object's SOP class is not one that is accepted (CR, DX for presentation or processing, secondary capture).",
        "Send the original CR or DX objects from the PACS.",
    ),
    Reason(
        "wrong-modality",
        "rejected",
        "The Modality of the object does not belong to a chest radiograph (accepted: CR, DX, RG; OT for secondary capture).",
        "Check that the right series was exported.",
    ),
    Reason(
        "sop-class-missing",
        "quarantined",
        "The object does not say what it is: SOPClassUID or SOPInstanceUID is missing or malformed.",
        "Export the object again from the PACS; if it persists, ask the vendor to repair the stored object.",
    ),
    Reason(
        "sop-class-contradicts",
        "quarantined",
        "The file's header and its data set name different classes or instances.",
        "Export the object again from the PACS; do not edit file headers by hand.",
    ),
    Reason(
        "non-chest",
        "rejected",
        "The header says that the image shows another body part than the chest.",
        "Send chest radiographs, or correct BodyPartExamined in the PACS if it is wrong.",
    ),
    Reason(
        "chest-not-stated",
        "quarantined",
        "A secondary capture must say that it shows the chest (BodyPartExamined, or the study or series description).",
        "Fill in BodyPartExamined, or send the original CR or DX object.",
    ),
    Reason(
        "uid-missing",
        "quarantined",
        "StudyInstanceUID or SeriesInstanceUID is missing or malformed, so the image cannot be placed in a study.",
        "Export the object again from the PACS.",
    ),
    Reason(
        "unknown-transfer-syntax",
        "rejected",
        "The file's transfer syntax is missing, private or not one that this engine can check.",
        "Ask the PACS to export as Explicit VR Little Endian, JPEG Lossless, JPEG 2000 or RLE.",
    ),
    Reason(
        "file-too-large",
        "rejected",
        "The file is larger than the limit for one radiograph.",
        "Check that the file is a single radiograph; ask for a higher limit if it truly is.",
    ),
    Reason(
        "nested-too-deep",
        "rejected",
        "Sequences are nested more deeply than any real radiograph needs.",
        "The file is probably damaged. Export it again from the PACS.",
    ),
    Reason(
        "too-many-elements",
        "rejected",
        "The file holds more data elements, or more text, than any real radiograph needs.",
        "The file is probably damaged. Export it again from the PACS.",
    ),
    Reason(
        "malformed",
        "quarantined",
        "The file's structure is broken: lengths or delimiters do not add up, or the file was cut short.",
        "Export the object again from the PACS and check that the transfer was complete.",
    ),
    Reason(
        "duplicate-element",
        "quarantined",
        "The same attribute stands twice in one data set, so it is unclear which one is meant.",
        "Ask the PACS vendor to repair the stored object, then export it again.",
    ),
    Reason(
        "charset-unknown",
        "quarantined",
        "The declared character set is unknown or the text does not fit it, so names cannot be recognised safely.",
        "Correct SpecificCharacterSet in the PACS, then export again.",
    ),
    Reason(
        "no-pixels",
        "rejected",
        "The object holds no pixel data.",
        "Export the object with its image.",
    ),
    Reason(
        "pixel-description",
        "quarantined",
        "Rows, Columns, bits or colour description are missing, contradictory or unsupported.",
        "Export the object again; ask the vendor if it persists.",
    ),
    Reason(
        "pixel-length",
        "quarantined",
        "The amount of pixel data does not match Rows, Columns, bits and frames.",
        "The file was probably cut short. Export it again.",
    ),
    Reason(
        "pixel-limit",
        "rejected",
        "The image has more pixels or frames than the limit.",
        "Send single radiographs.",
    ),
    Reason(
        "decode-failed",
        "quarantined",
        "The compressed pixel data could not be decoded, so the image could not be examined.",
        "Ask the PACS to export as Explicit VR Little Endian.",
    ),
    Reason(
        "text-left",
        "quarantined",
        "Text was found in the image, and something that looks like text remained after masking.",
        "A person must look. Remove the burned-in text at the source, or send the original without annotations.",
    ),
    Reason(
        "text-too-much",
        "quarantined",
        "So much of the image looks like text that masking it would destroy the image.",
        "Send the original radiograph without annotations, or check that it is a radiograph.",
    ),
    Reason(
        "identifier-left",
        "quarantined",
        "The second look found an identifier of the original in the cleaned file.",
        "Keep the file; report the reason code and the attribute shown so that the rule can be mended.",
    ),
    Reason(
        "verify-structure",
        "quarantined",
        "The cleaned file did not pass the second reading of its structure.",
        "Report the reason code and the detail shown.",
    ),
    Reason(
        "verify-required",
        "quarantined",
        "An attribute that the object's class requires is missing, so the cleaned file would be invalid.",
        "Complete the attribute shown in the PACS, then export again.",
    ),
    Reason(
        "verify-pixels",
        "quarantined",
        "The pixels outside the masks are not identical to the original's.",
        "Report the reason code; the original stays with you.",
    ),
    Reason(
        "two-patient-ids",
        "quarantined",
        "A file, or the files of one study, carry two different patient identifiers, so it is unclear whose image this is.",
        "Correct the patient in the PACS (a merge or a mix-up), then export the study again.",
    ),
    Reason(
        "duplicate-instance",
        "quarantined",
        "Two files carry the same SOPInstanceUID but different content.",
        "Find out which one is right and send that one alone.",
    ),
    Reason(
        "unreadable",
        "rejected",
        "The file could not be opened: permission is missing, the disk failed, or it is no regular file.",
        "Check the permissions of the file and its folder, or leave it out.",
    ),
    Reason(
        "time-limit",
        "quarantined",
        "Examining the file took more computing time than a radiograph needs.",
        "The file is probably damaged or made to harm. If it is a true radiograph, allow more with --file-timeout.",
    ),
    Reason(
        "memory-limit",
        "quarantined",
        "Examining the file took more memory than a worker may use.",
        "The file is probably damaged or made to harm. Check that it is a single radiograph.",
    ),
    Reason(
        "worker-died",
        "quarantined",
        "The process that examined the file was ended, twice: a decoder crashed on it.",
        "Ask the PACS to export as Explicit VR Little Endian, and report the reason code.",
    ),
    Reason(
        "archive-unsafe",
        "rejected",
        "The zip archive, or a file inside it, is damaged, encrypted, nested or expands beyond the limit.",
        "Unpack the archive and send the folder, or make a plain zip again.",
    ),
    Reason(
        "engine-error",
        "quarantined",
        "The engine met a case that it was not built for and withheld the file.",
        "Report the reason code and the detail shown; the file itself stays with you.",
    ),
    Reason(
        "mask-large",
        "review",
        "More than 2 % of the image was masked.",
        "Look at the image and decide whether it is still useful.",
    ),
    Reason(
        "mask-over-lungs",
        "review",
        "A mask lies over the middle of the lung fields.",
        "Look at the image: the mask may hide anatomy, or a device taken for text.",
    ),
    Reason(
        "mask-doubtful",
        "review",
        "A masked region was large or uncertain: it may be anatomy or a device rather than text.",
        "Look at the image and the boxes.",
    ),
    Reason(
        "cleared-by-hospital",
        "review",
        "Two people of the hospital looked at the image and say that what still looked like text after masking names nobody.",
        "Look at the image yourself before you accept it.",
    ),
    Reason(
        "text-possible",
        "review",
        "Something faint may be text; it could not be read and was not masked.",
        "Look at the outlined places. If one shows text, mask it at the source and send the file again.",
    ),
)

REASONS: Mapping[str, Reason] = MappingProxyType({reason.code: reason for reason in _ALL})
"""Reason codes by name; texts hold no values."""
