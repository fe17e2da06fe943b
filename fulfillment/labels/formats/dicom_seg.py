"""DICOM Segmentation: binary, fractional and label map; several segments, overlapping or not; per image.

A fractional segment is cut at one half of its largest value, which ``extra`` says. Microscopy tiles and volumes of other images
than those referenced one by one have no place here.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fulfillment.labels.formats import dicom
from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.masks import MAX_WORK
from fulfillment.labels.formats.model import ImageRef, Shape, extras

if TYPE_CHECKING:
    from deid.dicomfile.element import DataSet
    from deid.dicomfile.read import DicomFile

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
MAX_PIXELS = 60_000_000
MAX_SAMPLES = 300_000_000
MAX_FRAMES = 5_000
MAX_SEGMENTS = 1_000
_AGAIN = "Write the segmentation again (highdicom, dcmqi, your viewer's export) and send it whole."


@dataclass(frozen=True)
class _Segment:
    number: int
    label: str
    reader: str
    method: str
    extra: tuple[tuple[str, str], ...]


def read(member: Member, into: Gathering) -> None:
    """Read one object."""
    file = dicom.open_dicom(member.data, into)
    if file is None:
        return
    data = file.dataset
    if data.ascii(dicom.tag("SOPClassUID")) not in SEG_CLASSES:
        into.problem(
            0, "NOT_SEG", "The object is DICOM and no Segmentation.", "Send the SEG object.", place="SOPClassUID"
        )
        return
    kind = data.ascii(dicom.tag("SegmentationType")) or "BINARY"
    rows, columns = data.number(dicom.tag("Rows")) or 0, data.number(dicom.tag("Columns")) or 0
    count = data.number(dicom.tag("NumberOfFrames"))
    count = 1 if count is None else count
    if dicom.tag("TotalPixelMatrixRows") in data:
        into.problem(
            0,
            "TILED",
            "The segmentation is of a tiled slide and not of a radiograph.",
            "Send radiographs' SEG.",
            place="frames",
        )
        return
    if not 0 < rows * columns <= MAX_PIXELS or not 0 < count <= MAX_FRAMES or rows * columns * count > MAX_SAMPLES:
        into.problem(
            0,
            "SIZE_TOO_LARGE",
            "Rows, Columns or NumberOfFrames is missing, zero, or beyond any radiograph.",
            _AGAIN,
            place="Rows",
        )
        return
    segments = _segments(file, kind, into)
    if not segments:
        into.problem(
            0,
            "NO_SEGMENTS",
            "The object describes no segment.",
            "Name each segment after its finding.",
            place="SegmentSequence",
        )
        return
    reader = _frames(member, file, kind, (rows, columns), count, into)
    if reader is not None:
        _collect(file, kind, (rows, columns), count, segments, reader, into)


def _segments(file: DicomFile, kind: str, into: Gathering) -> dict[int, _Segment]:
    codecs = dicom.codecs_of(file)
    creator = dicom.text(file.dataset, "ContentCreatorName", codecs)
    segments: dict[int, _Segment] = {}
    for index, segment in enumerate(dicom.items(file.dataset, "SegmentSequence"), start=1):
        place = f"segment {index}"
        if index > MAX_SEGMENTS:
            into.problem(0, "TOO_MANY_SEGMENTS", f"There are more than {MAX_SEGMENTS:,} segments.", _AGAIN, place=place)
            break
        into.rows += 1
        number = segment.number(dicom.tag("SegmentNumber"))
        if number is None or (number < 1 and kind != "LABELMAP"):
            into.problem(0, "SEGMENT_NUMBER", "The segment has no number from 1 on.", _AGAIN, place=place)
            continue
        if number in segments:
            into.problem(0, "SEGMENT_TWICE", "Another segment has the same number.", _AGAIN, place=place)
            continue
        scheme, value, meaning = dicom.code(segment, "SegmentedPropertyTypeCodeSequence", codecs)
        label = dicom.text(segment, "SegmentLabel", codecs) or meaning
        if number == 0 or (label.casefold() == "background" and kind == "LABELMAP"):
            continue
        if not label:
            into.problem(0, "FINDING_MISSING", "The segment has no label.", "Name it after its finding.", place=place)
            continue
        said = dicom.noted(dicom.text(segment, "SegmentDescription", codecs))
        algorithm = dicom.item(segment, "SegmentationAlgorithmIdentificationSequence")
        own = dict(
            extras(
                code=f"{scheme} {value}" if value and scheme != dicom.SCHEME else "",
                algorithm=segment.ascii(dicom.tag("SegmentAlgorithmType")).lower(),
                tool=dicom.text(algorithm, "AlgorithmName", codecs)
                or dicom.text(segment, "SegmentAlgorithmName", codecs),
                tool_version=dicom.text(algorithm, "AlgorithmVersion", codecs),
            )
        )
        if said is not None:
            own = {key: text for key, text in said.items() if key not in ("reader", "method")}
        segments[number] = _Segment(
            number,
            # The meaning of the code serves where the label is one of "Segment 1" and the like.
            label if into.context.is_finding(label) or not into.context.is_finding(meaning) else meaning,
            (said or {}).get("reader", "" if said is not None else creator),
            (said or {}).get("method", ""),
            tuple(sorted(own.items())),
        )
    return segments


class _Frames:
    """Frames by number, as whole numbers (rows, columns), opened one at a time."""

    def __init__(self, raw: Any, size: tuple[int, int], bits: int) -> None:
        self._raw, self._size, self._bits = raw, size, bits

    def __getitem__(self, index: int) -> NDArray[Any]:
        rows, columns = self._size
        pixels = rows * columns
        if self._bits == 1:
            first = index * pixels
            packed = np.frombuffer(self._raw, dtype=np.uint8)[first // 8 : -(-(first + pixels) // 8)]
            bits = np.unpackbits(packed, bitorder="little")
            return bits[first % 8 : first % 8 + pixels].reshape(rows, columns)
        kind = np.dtype("<u2") if self._bits == 16 else np.dtype(np.uint8)
        return np.frombuffer(self._raw, dtype=kind, count=pixels, offset=index * pixels * kind.itemsize).reshape(
            rows, columns
        )


def _frames(
    member: Member, file: DicomFile, kind: str, size: tuple[int, int], count: int, into: Gathering
) -> _Frames | None:
    from deid.dicomfile.element import PIXEL_DATA, Encapsulated

    bits = file.dataset.number(dicom.tag("BitsAllocated"))
    if bits not in {"BINARY": (1,), "FRACTIONAL": (8,), "LABELMAP": (8, 16)}.get(kind, ()):
        into.problem(
            0, "BITS", "SegmentationType and BitsAllocated do not belong together.", _AGAIN, place="BitsAllocated"
        )
        return None
    element = file.dataset.get(PIXEL_DATA)
    samples = size[0] * size[1] * count
    need = -(-samples * bits // 8)
    if element is None:
        into.problem(0, "NO_PIXELS", "The object has no Pixel Data.", _AGAIN, place="PixelData")
        return None
    raw: Any = element.bulk
    if isinstance(element.value, Encapsulated):
        raw = _decoded(member, count, bits)
    if raw is None or len(raw) < need:
        into.problem(0, "PIXELS_SHORT", "Pixel Data is cut short or cannot be decoded.", _AGAIN, place="PixelData")
        return None
    return _Frames(raw, size, bits)


def _decoded(member: Member, count: int, bits: int) -> bytes | None:
    """Encapsulated frames decoded; sizes were checked before."""
    import pydicom

    if bits == 1:
        return None
    try:
        dataset = pydicom.dcmread(io.BytesIO(member.data))
        pixels = np.ascontiguousarray(dataset.pixel_array)
    except Exception:  # codecs raise whatever they like on damaged fragments
        return None
    return pixels.astype("<u2" if bits == 16 else np.uint8).tobytes()


def _collect(
    file: DicomFile,
    kind: str,
    size: tuple[int, int],
    count: int,
    segments: Mapping[int, _Segment],
    frames: _Frames,
    into: Gathering,
) -> None:
    """Join the frames of each segment and image."""
    data = file.dataset
    regions = _regions(data, kind, size, count, segments, into)
    most = data.number(dicom.tag("MaximumFractionalValue")) or 255
    cut = data.ascii(dicom.tag("SegmentationFractionalType")).lower()
    extra = extras(fractional=cut, cut_at="0.5") if kind == "FRACTIONAL" else ()
    seen: set[int] = set()
    for (number, image, frame), indexes in regions.items():
        place = f"frame {indexes[-1] + 1}"
        more = extra + extras(frame=frame if frame not in ("", "1") else "")
        if kind == "LABELMAP":
            values = np.unique(frames[indexes[0]]).tolist()
            if len(values) * size[0] * size[1] > MAX_WORK:
                into.problem(
                    0,
                    "TOO_MANY_VALUES",
                    "The frame has more values than a radiograph has findings.",
                    _AGAIN,
                    place=place,
                )
                continue
            for value in values:
                if value and value in segments:
                    _entry(segments[value], image, frames[indexes[0]] == value, more, into)
                    seen.add(value)
                elif value:
                    into.problem(0, "SEGMENT_UNKNOWN", "A pixel value stands for no segment.", _AGAIN, place=place)
            continue
        if len(indexes) > 1:
            cause = "Several frames mark one segment on one image; they were joined."
            into.problem(0, "FRAME_TWICE", cause, _AGAIN, place=place)
        mask = np.zeros(size, dtype=np.bool_)
        for index in indexes:
            mask |= frames[index] > 0 if kind == "BINARY" else frames[index] >= most / 2
        _entry(segments[number], image, mask, more, into)
        seen.add(number)
    for number in sorted(set(segments) - seen):
        cause = "The segment is described and marked nowhere."
        into.problem(0, "SEGMENT_EMPTY", cause, "Leave it out, or label the image.", place=f"segment {number}")


def _regions(
    data: DataSet,
    kind: str,
    size: tuple[int, int],
    count: int,
    segments: Mapping[int, _Segment],
    into: Gathering,
) -> dict[tuple[int, ImageRef, str], list[int]]:
    """The frames of each segment, image and frame of the image; of a label map under segment 0."""
    per_frame = dicom.items(data, "PerFrameFunctionalGroupsSequence")
    shared = dicom.item(data, "SharedFunctionalGroupsSequence")
    if len(per_frame) != count:
        cause = f"NumberOfFrames is {count} and {len(per_frame)} frames are described."
        into.problem(0, "FRAMES_DIFFER", cause, _AGAIN, place="PerFrameFunctionalGroupsSequence")
    only = _only_reference(data)
    regions: dict[tuple[int, ImageRef, str], list[int]] = defaultdict(list)
    for index, groups in enumerate(per_frame[:count]):
        place = f"frame {index + 1}"
        source = _source(groups) or _source(shared) or only
        if source is None:
            into.problem(0, "NO_SOURCE", "The frame does not say which image it belongs to.", _AGAIN, place=place)
            continue
        image = into.image("sop_instance_uid", source[0], size)
        number: int | None = 0
        if kind != "LABELMAP":
            said = dicom.item(groups, "SegmentIdentificationSequence") or dicom.item(
                shared, "SegmentIdentificationSequence"
            )
            number = said.number(dicom.tag("ReferencedSegmentNumber")) if said is not None else None
            if number is None and len(segments) == 1:
                number = next(iter(segments))
        if number is None or (number not in segments and kind != "LABELMAP"):
            into.problem(
                0, "SEGMENT_UNKNOWN", "The frame refers to a segment that is not described.", _AGAIN, place=place
            )
            continue
        regions[number, image, source[1]].append(index)
    return regions


def _entry(
    segment: _Segment, image: ImageRef, mask: NDArray[Any], extra: tuple[tuple[str, str], ...], into: Gathering
) -> None:
    place = f"segment {segment.number}"
    if not mask.any():
        into.problem(0, "MASK_EMPTY", "The segment marks nothing on this image.", "Leave it out.", place=place)
        return
    into.entry(
        image,
        segment.label,
        shape=Shape.of_mask(mask),
        reader=segment.reader,
        method=segment.method,
        row=place,
        extra=tuple(sorted({**dict(segment.extra), **dict(extra)}.items())),
    )


def _source(groups: DataSet | None) -> tuple[str, str] | None:
    found = dicom.item(groups, "DerivationImageSequence", "SourceImageSequence")
    uid = dicom.text(found, "ReferencedSOPInstanceUID")
    return (uid, dicom.text(found, "ReferencedFrameNumber")) if _is_uid(uid) else None


def _only_reference(data: DataSet) -> tuple[str, str] | None:
    """The one image that the object refers to, if it is one."""
    uids = {
        dicom.text(instance, "ReferencedSOPInstanceUID")
        for series in dicom.items(data, "ReferencedSeriesSequence")
        for instance in dicom.items(series, "ReferencedInstanceSequence")
    }
    uid = next(iter(uids)) if len(uids) == 1 else ""
    return (uid, "") if _is_uid(uid) else None


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= 64 and all(part.isdigit() and part.isascii() for part in text.split("."))
