"""Labels held against the images they name: who is missing, what lies outside, what was drawn at another size, what contradicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from fulfillment.labels.formats.matching import ImageIndex
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Shape, Size
from requests_app.taxonomy import LabelState

#: Pixels that a box may stand over the edge before it is told: rounding, and one-based corners.
SLACK = 1.0
#: Boxes on at least so many images before anything is said of how they are scaled.
_ENOUGH = 8
# Findings lie on both sides of a chest; boxes that all end left of this, and above it, were drawn on a smaller picture.
_CORNER = 0.6


def check_against(
    entries: Sequence[Entry],
    images: Mapping[ImageRef, Size | None],
    *,
    stated: Mapping[ImageRef, Size] | None = None,
    unmapped: bool = True,
) -> list[Problem]:
    """Every problem between labels and images, in the entries' order.

    ``images``: rows and columns of what is there, None where unknown; a size none has cannot be checked. ``stated``: sizes that the
    file of labels gives (``Imported.image_sizes``); where they differ from the images, the factor is named. With ``unmapped``
    findings without a key are told too, as ``read`` has done already.
    """
    index = ImageIndex(images)
    sizes: dict[ImageRef, Size | None] = {}
    problems: list[tuple[int, Problem]] = []
    missing: dict[ImageRef, tuple[int, str, int]] = {}
    for number, entry in enumerate(entries):
        if entry.image not in sizes:
            match = index.find(entry.image)
            sizes[entry.image] = images[match.image] if match.image is not None else None
            if match.image is None:
                missing[entry.image] = (number, match.why, 0)
        if entry.image in missing:
            first, why, count = missing[entry.image]
            missing[entry.image] = (first, why, count + 1)
        problem = _shape(entry, sizes[entry.image])
        if problem is not None:
            problems.append((number, problem))
    for first, why, count in missing.values():
        problems.append((first, _unmatched(entries[first], why, count)))
    problems.extend(_repeated(entries))
    problems.extend(_sizes(entries, sizes, stated or {}))
    problems.extend(_scale(entries, sizes))
    if unmapped:
        problems.extend(_unmapped(entries))
    return [problem for _, problem in sorted(problems, key=lambda pair: pair[0])]


def _at(entry: Entry, code: str, cause: str, remedy: str) -> Problem:
    number, place = (entry.row, "") if isinstance(entry.row, int) else (0, entry.row)
    return Problem(number, code, cause, remedy, place, entry.file)


def _where(entry: Entry) -> str:
    return f"row {entry.row}" if isinstance(entry.row, int) else entry.row


def _unmatched(entry: Entry, why: str, count: int) -> Problem:
    many = f" It has {count:,} labels, this being the first." if count > 1 else ""
    if why == "ambiguous":
        return _at(
            entry,
            "IMAGE_AMBIGUOUS",
            f"Several images go by this name.{many}",
            "Name the image with its folder, or by SOPInstanceUID.",
        )
    return _at(
        entry,
        "IMAGE_UNMATCHED",
        f"None of the images goes by this name.{many}",
        "Send the image, or correct the name: SOPInstanceUID, accession number or file name as sent.",
    )


def _shape(entry: Entry, size: Size | None) -> Problem | None:
    shape = entry.shape
    if shape is None:
        return None
    if shape.area == 0:
        return _at(
            entry, "SHAPE_EMPTY", "The box or mask holds not one pixel.", "Draw it again, or label the image only."
        )
    if size is None:
        return None
    rows, columns = size
    if shape.kind == "mask":
        return None if shape.size == size else _at(entry, "MASK_SIZE", *_mask_size(shape, size))
    x, y, width, height = shape.bounds
    if x >= columns or y >= rows or x + width <= 0 or y + height <= 0:
        return _at(
            entry,
            "BOX_OUTSIDE",
            f"The box lies outside the image: it begins at {x:.0f}, {y:.0f} and the image has {columns} x {rows} pixels.",
            "Check that it belongs to this image and was drawn at its full size.",
        )
    over = max(-x, -y, x + width - columns, y + height - rows)
    if over > SLACK:
        return _at(
            entry,
            "BOX_PARTLY_OUTSIDE",
            f"The box stands {over:.0f} pixels over the edge of the image, which has {columns} x {rows}.",
            "Cut it at the edge if it was drawn at full size; otherwise scale it.",
        )
    return None


def _mask_size(shape: Shape, size: Size) -> tuple[str, str]:
    rows, columns = shape.size or (0, 0)
    cause = f"The mask has {columns} x {rows} pixels and the image {size[1]} x {size[0]}."
    if (columns, rows) == size:
        return cause, "Rows and columns are swapped: transpose the mask."
    across, down = size[1] / columns, size[0] / rows
    if abs(across - down) < 0.01 * across:
        return cause, f"Scale the mask by {across:.3g} without smoothing, or draw it at the image's full size."
    return cause, f"Scale it by {across:.3g} across and {down:.3g} down if it was squeezed; if it was cropped, pad it."


def _group(entry: Entry) -> tuple[ImageRef, str, str, str, str]:
    """Who says what of what: only one source can contradict itself."""
    return entry.image, entry.key or entry.finding, entry.reader, entry.method, entry.note("list")


def _repeated(entries: Sequence[Entry]) -> Iterable[tuple[int, Problem]]:
    groups: dict[tuple[ImageRef, str, str, str, str], list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        groups[_group(entry)].append(number)
    for numbers in groups.values():
        if len(numbers) < 2:
            continue
        group = [entries[number] for number in numbers]
        states = {entry.state for entry in group} - {LabelState.NOT_MENTIONED}
        if len(states) > 1:
            said = ", ".join(f"{_where(entry)} {entry.state.plain}" for entry in group[:6])
            for number, entry in zip(numbers, group, strict=True):
                yield (
                    number,
                    _at(
                        entry,
                        "CONTRADICTION",
                        f"One finding of one image has different states ({said}{' ...' if len(group) > 6 else ''}).",
                        "Keep the right one, or name the readers so that both are kept. Until then none should count.",
                    ),
                )
            continue
        seen: dict[object, Entry] = {}
        for number, entry in zip(numbers, group, strict=True):
            first = seen.setdefault((entry.state, _rounded(entry.shape)), entry)
            if first is not entry:
                yield (
                    number,
                    _at(entry, "REPEATED", f"It repeats {_where(first)}.", "Nothing to do; it is counted once."),
                )


def _rounded(shape: Shape | None) -> object:
    """Boxes that differ by less than a pixel are one box drawn once."""
    if shape is None or shape.box is None:
        return shape
    return tuple(round(side) for side in shape.box)


def _sizes(
    entries: Sequence[Entry], sizes: Mapping[ImageRef, Size | None], stated: Mapping[ImageRef, Size]
) -> Iterable[tuple[int, Problem]]:
    """Sizes that the file states and the images do not have."""
    told: set[ImageRef] = set()
    for number, entry in enumerate(entries):
        said, real = stated.get(entry.image), sizes[entry.image]
        if said is None or real is None or said == real or entry.image in told:
            continue
        told.add(entry.image)
        across, down = real[1] / said[1], real[0] / said[0]
        swapped = " Rows and columns may be swapped." if (said[1], said[0]) == real else ""
        yield (
            number,
            _at(
                entry,
                "IMAGE_SIZE",
                f"The file says that the image has {said[1]} x {said[0]} pixels; it has {real[1]} x {real[0]}.{swapped}",
                f"If its boxes were drawn on that size, multiply x by {across:.4g} and y by {down:.4g}.",
            ),
        )


def _scale(entries: Sequence[Entry], sizes: Mapping[ImageRef, Size | None]) -> Iterable[tuple[int, Problem]]:
    """Whether the boxes as a whole look drawn on pictures of another size."""
    drawn = [
        (number, entry.image, entry.shape.bounds, size)
        for number, entry in enumerate(entries)
        if entry.shape is not None
        and entry.shape.kind != "mask"
        and entry.shape.area > 0
        and (size := sizes[entry.image]) is not None
    ]
    if len({image for _, image, _, _ in drawn}) < _ENOUGH:
        return
    first = drawn[0][0]
    if all(max(x + width, y + height) <= 1.5 for _, _, (x, y, width, height), _ in drawn):
        yield (
            first,
            _at(
                entries[first],
                "BOXES_NORMALISED",
                "No box reaches further than 1.5: they are shares of the image and not pixels.",
                "Multiply x and width by the columns, y and height by the rows of each image, or send them as YOLO.",
            ),
        )
        return
    across = [(x + width) / size[1] for _, _, (x, _, width, _), size in drawn]
    down = [(y + height) / size[0] for _, _, (_, y, _, height), size in drawn]
    out = sum(a > 1.01 or d > 1.01 for a, d in zip(across, down, strict=True))
    reach = max(*across, *down)
    if out >= max(3, 0.2 * len(drawn)):
        columns = median(size[1] for *_, size in drawn)
        yield (
            first,
            _at(
                entries[first],
                "BOXES_TOO_LARGE",
                f"{out} of {len(drawn)} boxes reach over the edge of their image: they look drawn on larger pictures.",
                f"A factor of {1 / reach:.3g} or less would bring all inside (pictures {columns * reach:.0f} pixels wide or more "
                "where yours are "
                f"{columns:.0f}). Scale by the exact ratio of the sizes.",
            ),
        )
    elif reach < _CORNER:
        yield (
            first,
            _at(
                entries[first],
                "BOXES_TOO_SMALL",
                f"All {len(drawn)} boxes lie in the upper left {reach:.0%} of their images: they look drawn on smaller pictures.",
                f"A factor of up to {1 / reach:.3g} would fit. Scale by the exact ratio of the sizes.",
            ),
        )


def _unmapped(entries: Sequence[Entry]) -> Iterable[tuple[int, Problem]]:
    names: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        if not entry.key:
            names[entry.finding].append(number)
    for numbers in names.values():
        yield (
            numbers[0],
            _at(
                entries[numbers[0]],
                "FINDING_UNKNOWN",
                f"This name stands for no finding of the list; it concerns {len(numbers):,} labels, this being the first.",
                "Map the name to a finding, or leave it out in the mapping.",
            ),
        )
