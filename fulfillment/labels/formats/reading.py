"""Which format a file has, and reading it: one entry for every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from fulfillment.labels.formats import nifti, yolo
from fulfillment.labels.formats.dicom_seg import SEG_CLASSES
from fulfillment.labels.formats.dicom_sr import SR_PREFIX
from fulfillment.labels.formats.gather import Context, Gathering, Member, Sizes, base
from fulfillment.labels.formats.members import Source, collect, inflate
from fulfillment.labels.formats.model import ImageRef, Imported, Size
from fulfillment.labels.formats.naming import apply_mapping, is_known_finding
from fulfillment.labels.formats.provenance import SIDECAR, with_provenance
from fulfillment.labels.formats.tabular import normal
from requests_app.taxonomy import Taxonomy

HEAD = 256 * 1024


@dataclass(frozen=True)
class Format:
    """A format by name: the module and function that read one member, and whether members are read together."""

    name: str
    title: str
    reader: str
    together: bool = False

    def read(self, members: Sequence[Member], into: Gathering) -> None:
        """Read all members, each under its name if there are several."""
        module, _, function = self.reader.partition(":")
        read: Callable[..., None] = getattr(import_module(f"fulfillment.labels.formats.{module}"), function)
        if self.together:
            read(members, into)
            return
        for member in members:
            into.file = member.name if len(members) > 1 else ""
            read(member, into)
        into.file = ""


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("table", "The portal's own table", "long:read"),
        Format("parquet", "The portal's own table as parquet", "long:read_parquet"),
        Format("chexpert", "CheXpert's wide table", "chexpert:read"),
        Format("nih", "NIH ChestX-ray14, Data_Entry", "nih:read_entries"),
        Format("nih-boxes", "NIH ChestX-ray14, BBox_List", "nih:read_boxes"),
        Format("vindr-boxes", "VinDr-CXR, boxes by reader", "vindr:read_boxes"),
        Format("vindr-images", "VinDr-CXR, image-level labels by reader", "vindr:read_images"),
        Format("padchest", "PadChest's table", "padchest:read"),
        Format("siim", "SIIM-ACR run lengths", "siim:read"),
        Format("rsna", "RSNA pneumonia boxes", "siim:read_rsna"),
        Format("coco", "COCO", "coco:read"),
        Format("chestx-det", "ChestX-Det's JSON", "coco:read_chestxdet"),
        Format("yolo", "YOLO", "yolo:read", together=True),
        Format("voc", "Pascal VOC", "voc:read"),
        Format("dicom-sr", "DICOM SR, TID 1500", "dicom_sr:read"),
        Format("dicom-seg", "DICOM SEG", "dicom_seg:read"),
        Format("png-masks", "PNG masks", "masks:read_png", together=True),
        Format("nifti-masks", "NIfTI masks", "nifti:read", together=True),
    )
}


def sniff(data: bytes, name: str = "") -> str | None:
    """The format's name by what the file holds, and only then by what it is called; None for anything else."""
    if data.startswith(b"\x1f\x8b") and not name.lower().endswith(".nii.gz"):
        opened = inflate(data, 64 * HEAD)
        return sniff(opened, name.removesuffix(".gz")) if opened else None
    for test in (_by_bytes, _by_text):
        found = test(data, name)
        if found in FORMATS:
            return found
    return None


def _by_bytes(data: bytes, name: str) -> str | None:
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"\x89PNG"):
        return "png-masks"
    if data[128:132] == b"DICM":
        # The UIDs of the two classes stand in the file's meta information, within the first kilobytes.
        head = data[:4096]
        if any(uid.encode() in head for uid in SEG_CLASSES):
            return "dicom-seg"
        return "dicom-sr" if SR_PREFIX.encode() in head else None
    if nifti.looks_like(data) or name.lower().endswith((".nii", ".nii.gz")):
        return "nifti-masks"
    return None


def _by_text(data: bytes, name: str) -> str | None:
    head = data[:HEAD]
    utf16 = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head[: len(head) // 2 * 2].decode("utf-16", "replace") if utf16 else head.decode("utf-8-sig", "replace")
    stripped = text.lstrip()
    if stripped.startswith("{"):
        return "coco" if '"annotations"' in text or '"images"' in text or '"categories"' in text else None
    if stripped.startswith("["):
        return "chestx-det" if '"syms"' in text or '"file_name"' in text else None
    if stripped.startswith("<"):
        return "voc"
    if name.lower().endswith(".txt") and not yolo.is_class_file(name) and (not stripped or yolo.looks_like(stripped)):
        return "yolo"
    if not stripped:
        return None
    return _by_header(stripped.splitlines()[0]) or ("yolo" if yolo.looks_like(stripped) else None)


def _by_header(line: str) -> str | None:
    delimiter = max(",;\t|", key=line.count)
    here = {normal(name.strip('"')) for name in line.split(delimiter)}
    if {"image_index", "finding_labels"} <= here:
        return "nih"
    if here & {"encodedpixels"}:
        return "siim"
    if "patientid" in here and {"x", "y", "width", "height", "target"} & here and "target" in here:
        return "rsna"
    if {"image_id", "class_name"} <= here:
        return "vindr-boxes"
    if here & {"finding", "label"} and "state" in here:
        return "table"
    if here & {"image_index", "image"} and here & {"finding_label", "label", "bbox_[x"}:
        return "nih-boxes"
    if here & {"imageid", "image_id"} and "labels" in here:
        return "padchest"
    if "image_id" in here and here & {"rad_id", "rad_ids"}:
        return "vindr-images"
    if here & {
        "path",
        "dicom_id",
        "study_id",
        "subject_id",
        "file",
        "filename",
        "sop_instance_uid",
        "image",
        "image_id",
    }:
        return "chexpert"
    return None


def read(
    source: Source,
    *,
    taxonomy: Taxonomy,
    format: str = "auto",
    name: str = "",
    mapping: Mapping[str, str | None] | None = None,
    image_sizes: Mapping[ImageRef, Size] | None = None,
) -> Imported:
    """Read a file (bytes or path), a folder, a zip archive, or files by name, into entries under ``taxonomy``.

    ``mapping`` sends names as written to findings of the taxonomy (name or key), or to None to leave them out; names it does not
    mention are taken over where they are certain (``suggest_mapping``), and told where they are not. ``image_sizes`` are rows and
    columns; YOLO cannot be read without. Never raises on bad content: what is wrong is in ``problems``.
    """
    into = Gathering(
        Context(lambda text: is_known_finding(text, taxonomy) or text in (mapping or {}), Sizes(image_sizes))
    )
    members = collect(source, name, into)
    beside = [member for member in members if base(member.name) == SIDECAR]
    if len(members) > len(beside):
        members = [member for member in members if member not in beside]
    chosen = _chosen(members, format, into)
    if chosen is None:
        return into.done("")
    chosen.read(members, into)
    imported = into.done(chosen.name)
    for member in beside:
        imported = with_provenance(imported, member)
    return apply_mapping(imported, taxonomy, mapping)


def _chosen(members: Sequence[Member], format: str, into: Gathering) -> Format | None:
    if format != "auto":
        if format in FORMATS and members:
            return FORMATS[format]
        if members:
            into.problem(
                0, "FORMAT_UNKNOWN", "There is no format of that name.", f"Choose one of: {', '.join(FORMATS)}."
            )
        return None
    if not members:
        return None
    seen = [sniff(member.data, member.name) for member in members]
    known = list(dict.fromkeys(found for found in seen if found is not None))
    if not known:
        into.problem(
            1,
            "FORMAT_UNKNOWN",
            "The file has none of the formats that labels come in: its first bytes, or the columns of its first row, are none "
            "that we know.",
            f"Check that it is the file you mean and that it is whole, or name its format: {', '.join(FORMATS)}.",
        )
        return None
    if len(known) > 1:
        into.problem(
            0,
            "FORMATS_MIXED",
            f"The files have different formats ({', '.join(known)}); read were those of the first.",
            "Send the files of each format by themselves, or name the format.",
        )
    return FORMATS[known[0]]
