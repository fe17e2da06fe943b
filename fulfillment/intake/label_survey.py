"""What a label file holds, told before it is taken in: counts, images found, problems by cause, a look at some images."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fulfillment.intake.image_index import ImageNames
from fulfillment.intake.originals import scope
from fulfillment.labels.formats import (
    IMAGE_KINDS,
    Entry,
    ImageRef,
    Imported,
    Problem,
    Size,
    check_against,
    is_known_finding,
    suggest_mapping,
)
from fulfillment.labels.outline import box_path, shape_path
from fulfillment.models import Batch
from getdata.common import crypto
from requests_app.taxonomy import LabelState, Taxonomy

SAMPLE_IMAGES = 6
SAMPLE_MARKS = 8
#: A mark's path in a page; a longer one is shown by its box.
MAX_PATH = 20_000
MAX_PROBLEMS = 2_000
MAX_PLACES = 12
MAX_NAMES = 300
#: So many references are tried under each kind of name, to say which one finds the images.
TRIED = 300
#: Entries that are mapped and not taken in all the same.
_NOT_USED = frozenset({"CONTRADICTION", "REPEATED"})
# Told by ``check_against`` for every label without a key; the mapping has it, by name.
_NOT_HERE = frozenset({"FINDING_UNKNOWN"})


def survey(imported: Imported, columns: Sequence[str], images: ImageNames, taxonomy: Taxonomy) -> dict[str, Any]:
    """JSON-able. Names as written are in it, so it is for the hospital alone; ids of images are not."""
    problems = [*imported.problems, *_held_against(imported, images)]
    matched = sum(images.find(ref).image is not None for ref in imported.images)
    return {
        "format": imported.format,
        "rows": imported.rows,
        "columns": list(columns),
        "labels": sum(bool(entry.key) for entry in imported.entries)
        - sum(problem.code in _NOT_USED for problem in problems),
        "entries": len(imported.entries),
        "marks": sum(entry.shape is not None and bool(entry.key) for entry in imported.entries),
        "readers": len({entry.reader for entry in imported.entries if entry.reader}),
        "names": _names(imported, taxonomy),
        "images": {"named": len(imported.images), "matched": matched, "ways": _ways(imported.images, images)},
        "counts": _counts(imported.entries, taxonomy),
        "problems": _grouped(problems),
        "rows_told": [[p.row or "", p.place, p.file, p.code, p.cause, p.remedy] for p in problems[:MAX_PROBLEMS]],
        "problem_count": len(problems),
        "samples": _samples(imported.entries, images, taxonomy),
    }


def sealed(found: Mapping[str, Any], batch: Batch) -> bytes:
    return crypto.seal(json.dumps(found, ensure_ascii=False).encode(), scope=scope(batch))


def opened(value: bytes | memoryview, batch: Batch) -> dict[str, Any]:
    """From ``sealed``. Raises ``CannotOpen``."""
    found: dict[str, Any] = json.loads(crypto.unseal(bytes(value), scope=scope(batch))) if value else {}
    return found


def _names(imported: Imported, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Each name as written, how often, the suggestion and its reason, and whether it is a finding of any list we know."""
    suggestions = suggest_mapping(imported.findings_seen, taxonomy)
    rows = []
    for name, count in sorted(imported.findings_seen.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_NAMES]:
        suggestion = suggestions[name]
        rows.append(
            {
                "name": name,
                "count": count,
                "suggested": suggestion.finding.key if suggestion.finding else "",
                "why": suggestion.why.value,
                "certain": suggestion.certain,
                "known": is_known_finding(name, taxonomy),
            }
        )
    return rows


def _ways(refs: Sequence[ImageRef], images: ImageNames) -> dict[str, int]:
    """Of the first references, how many find an image if all are taken as one kind of name."""
    some = refs[:TRIED]
    kinds = [kind for kind in IMAGE_KINDS if kind != "image_id"]
    return {"tried": len(some)} | {
        kind: sum(images.find(ImageRef(kind, ref.value)).image is not None for ref in some)  # type: ignore[arg-type]
        for kind in kinds
    }


def _counts(entries: Iterable[Entry], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    marks = Counter[str]()
    for entry in entries:
        if entry.key:
            states[entry.key][entry.state.value] += 1
            marks[entry.key] += entry.shape is not None
    return [
        {
            "name": finding.name,
            "states": [states[finding.key][state.value] for state in LabelState],
            "marks": marks[finding.key],
        }
        for finding in taxonomy.findings
        if finding.key in states
    ]


def _held_against(imported: Imported, images: ImageNames) -> list[Problem]:
    """``check_against`` under the images' own keys: two names of one image are one image, and no name is compared with another."""
    stand_in: dict[ImageRef, ImageRef] = {}
    here: dict[ImageRef, Size | None] = {}
    odd: dict[ImageRef, str] = {}
    for ref in {entry.image for entry in imported.entries} | set(imported.images):
        found = images.find(ref)
        if found.image is not None:
            own = ImageRef("sop_instance_uid", str(found.image))
            here[own] = images.size_of(found.image)
        else:
            own = ImageRef("accession_number", f"missing {len(stand_in)}")
            odd[own] = found.why
        stand_in[ref] = own
    entries = [replace(entry, image=stand_in[entry.image]) for entry in imported.entries]
    stated = {stand_in[ref]: size for ref, size in imported.image_sizes.items() if ref in stand_in}
    problems = [p for p in check_against(entries, here, stated=stated, unmapped=False) if p.code not in _NOT_HERE]
    if not any(why in ("ambiguous", "several_in_study") for why in odd.values()):
        return problems
    told = {_place(entry): odd.get(entry.image, "") for entry in reversed(entries)}
    return [_why_unmatched(problem, told) for problem in problems]


def _place(entry: Entry) -> tuple[int, str, str]:
    row, place = (entry.row, "") if isinstance(entry.row, int) else (0, entry.row)
    return row, place, entry.file


def _why_unmatched(problem: Problem, told: Mapping[tuple[int, str, str], str]) -> Problem:
    if problem.code != "IMAGE_UNMATCHED":
        return problem
    match told.get((problem.row, problem.place, problem.file)):
        case "ambiguous":
            return replace(
                problem,
                code="IMAGE_AMBIGUOUS",
                cause="Several images of the batch go by this name.",
                remedy="Name the image with its folder, or by SOPInstanceUID.",
            )
        case "several_in_study":
            return replace(
                problem,
                code="SEVERAL_IN_STUDY",
                cause="The study of this accession number has several images, and a label is of one.",
                remedy="Name the image by its SOPInstanceUID or its file.",
            )
    return problem


def _grouped(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """By code, the most frequent first: the first one's words, how many, and where."""
    groups: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        groups[problem.code].append(problem)
    return sorted(
        (
            {
                "code": code,
                "count": len(group),
                "cause": group[0].cause,
                "remedy": group[0].remedy,
                "places": [p.place or f"row {p.row}" for p in group[:MAX_PLACES] if p.place or p.row],
            }
            for code, group in groups.items()
        ),
        key=lambda row: -row["count"],
    )


def _samples(entries: Iterable[Entry], images: ImageNames, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """A few images with what is said of them: those with marks first, spread over the file."""
    by_image: dict[Any, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.key and entry.state is not LabelState.NOT_MENTIONED:
            found = images.find(entry.image).image
            if found is not None:
                by_image[found].append(entry)
    marked = [pk for pk, said in by_image.items() if any(entry.shape is not None for entry in said)]
    plain = [pk for pk in by_image if pk not in set(marked)]
    chosen = _spread(marked, SAMPLE_IMAGES)
    chosen += _spread(plain, SAMPLE_IMAGES - len(chosen))
    return [_sample(pk, by_image[pk], images, taxonomy) for pk in chosen]


def _spread(keys: list[Any], count: int) -> list[Any]:
    """``count`` of the keys, evenly from first to last."""
    if len(keys) <= count:
        return keys
    return [keys[place * (len(keys) - 1) // max(count - 1, 1)] for place in range(count)]


def _sample(pk: Any, said: Sequence[Entry], images: ImageNames, taxonomy: Taxonomy) -> dict[str, Any]:
    size = images.size_of(pk)
    marks: list[dict[str, str]] = []
    for entry in said:
        if entry.shape is not None and len(marks) < SAMPLE_MARKS:
            path = shape_path(entry.shape)
            marks.append(
                {
                    "path": path if len(path) <= MAX_PATH else box_path(entry.shape.bounds),
                    "kind": entry.shape.kind,
                    "words": taxonomy[entry.key].name,
                }
            )
    labels = list(dict.fromkeys((taxonomy[entry.key].name, entry.state.value) for entry in said))
    return {
        "image": str(pk),
        "box": f"0 0 {size[1]} {size[0]}" if size else "",
        "marks": marks,
        "more_marks": max(0, sum(entry.shape is not None for entry in said) - len(marks)),
        "labels": [list(label) for label in labels[:8]],
        "more_labels": max(0, len(labels) - 8),
    }
