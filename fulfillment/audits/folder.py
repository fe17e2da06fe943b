"""A folder with images.csv, labels.csv and, if there are any, duplicates.csv and pictures: read and audited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fulfillment.audits.cohort import Unmentioned
from fulfillment.audits.document import audit
from fulfillment.audits.features import Picture, read_picture
from fulfillment.audits.tables import DUPLICATES, IMAGES, LABELS, BadTable, Problems, read_table
from fulfillment.duplicates.processes import shared_out
from requests_app.spec import DatasetSpec

#: More pictures than this make no verdict surer, and take hours: patients are drawn.
MOST_PICTURES = 20_000
_FEW = 40  # reading these takes less time than starting processes
Progress = Callable[[str, int, int], None]


def audit_folder(
    folder: Path,
    *,
    spec: DatasetSpec | None = None,
    unmentioned: Unmentioned = "auto",
    permutations: int = 200,
    seed: int = 0,
    jobs: int = 1,
    most_pictures: int = MOST_PICTURES,
    progress: Progress = lambda stage, done, of: None,
) -> dict[str, Any]:
    """The document of a folder. Raises `tables.BadTable` where a table cannot be used at all."""
    problems = Problems()
    images = read_table(folder, IMAGES, problems)
    labels = read_table(folder, LABELS, problems)
    duplicates = read_table(folder, DUPLICATES, problems) if (folder / DUPLICATES).is_file() else []
    paths: dict[str, tuple[str, int, str]] = {}
    for row in images:
        if row.get("path"):
            paths.setdefault(row["image_id"], (row["path"], row["row"], row.get("patient_id") or row["image_id"]))

    def pictures(wanted: list[str]) -> Mapping[str, Picture]:
        chosen = _chosen({image: paths[image][2] for image in wanted if image in paths}, most_pictures, seed)
        return _read(folder, {image: paths[image][:2] for image in chosen}, problems, jobs, progress)

    return audit(
        images,
        labels,
        pictures=pictures if paths and most_pictures else None,
        duplicates=duplicates,
        spec=spec,
        problems=problems,
        unmentioned=unmentioned,
        permutations=permutations,
        seed=seed,
        progress=progress,
    )


def _chosen(patients: Mapping[str, str], most: int, seed: int) -> list[str]:
    """All images, or those of patients drawn at random until there are enough."""
    if len(patients) <= most:
        return list(patients)
    names = sorted(set(patients.values()))
    order = np.random.default_rng((seed, 4)).permutation(len(names))
    rank = {names[at]: place for place, at in enumerate(order.tolist())}
    return sorted(patients, key=lambda image: (rank[patients[image]], image))[:most]


def _read(
    folder: Path, paths: Mapping[str, tuple[str, int]], problems: Problems, jobs: int, progress: Progress
) -> dict[str, Picture]:
    found: dict[str, Picture] = {}
    work = partial(_picture, folder)
    names = [name for name, _ in paths.values()]
    results = ((name, work(name)) for name in names) if len(names) <= _FEW else shared_out(work, names, jobs=jobs)
    for done, ((image, (_, row)), (_, result)) in enumerate(zip(paths.items(), results, strict=True), start=1):
        if isinstance(result, Picture):
            found[image] = result
        else:
            why = result or "Reading it ended the process: it is damaged. Copy it again."
            cause, _, cure = why.partition(". ")
            problems.add(
                IMAGES,
                row,
                "PICTURE_UNREADABLE",
                f"The file at path: {cause}.",
                cure or "Check the path, from the folder.",
            )
        progress("pictures read", done, len(names))
    return found


def _picture(folder: Path, name: str) -> Picture | str:
    try:
        return read_picture(folder / name)
    except ValueError:  # a name that no file can have
        return "It is no file name. Check the path, from the folder."


__all__ = ["MOST_PICTURES", "BadTable", "audit_folder"]
