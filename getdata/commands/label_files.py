"""What the commands of ``getdata labels`` do; loaded when one is called, because it needs numpy and the formats."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from fulfillment.labels.formats import (
    FORMATS,
    WRITERS,
    Entry,
    ImageRef,
    Imported,
    Problem,
    Size,
    check_against,
    read,
    sniff,
    suggest_mapping,
    write,
)
from fulfillment.labels.formats.images import KnownImages, known_images
from fulfillment.labels.formats.tabular import Verbatim, write_table
from fulfillment.labels.formats.writing import NEED_SOURCES
from getdata.commands.frame import EXIT_PROBLEMS, EXIT_UNREADABLE, counted, printable, refuse
from requests_app.spec.document import UncertaintyPolicy
from requests_app.spec.vocabulary import UncertainAs
from requests_app.taxonomy import TAXONOMY_NAMES, Taxonomy, get_taxonomy

#: Problems of one kind that are printed; the rest goes to --problems.
SHOWN_EACH = 3
_TOGETHER = {name for name, each in FORMATS.items() if each.together}


def import_files(
    *, files: Sequence[str], taxonomy: str, out: str, format: str, map: str, images: str, shapes: str, problems: str
) -> None:
    """``getdata labels import``."""
    findings, known = _taxonomy(taxonomy), _images(images)
    _other_than(files, (out, shapes, problems))
    read_ = _read(files, format, findings, map, known)
    entries = [entry for _, each in read_ for entry in each.entries]
    told = [(name, problem) for name, each in read_ for problem in each.problems]
    if known is not None:
        told.extend((images, problem) for problem in known.problems)
        for name, each in read_:
            found = check_against(each.entries, known.sizes, stated=each.image_sizes, unmapped=False)
            told.extend((name, problem) for problem in found)
    else:
        for name, each in read_:
            told.extend((name, problem) for problem in _inner(each))
    if entries:
        _save(out, write(entries, format="table", taxonomy=findings).files["labels.csv"])
        if shapes:
            _save(shapes, _shapes(entries))
    _finish(read_, told, problems)
    if not entries:
        typer.echo("No label could be read; no table was written.", err=True)
        raise typer.Exit(EXIT_UNREADABLE)
    typer.echo(f"{counted(len(entries), 'label')} written to {printable(out)}.", err=True)
    if told:
        raise typer.Exit(EXIT_PROBLEMS)


def write_names(*, files: Sequence[str], taxonomy: str, out: str, format: str) -> None:
    """``getdata labels names``."""
    findings = _taxonomy(taxonomy)
    _other_than(files, (out,))
    seen = Counter[str]()
    for _, each in _read(files, format, findings, "", None):
        seen.update(each.findings_seen)
    if not seen:
        refuse("No label could be read.", "getdata labels import says why.", where=files[0])
    suggestions = suggest_mapping(seen, findings)
    rows = [
        [
            name,
            suggestion.finding.name if suggestion.finding is not None and suggestion.certain else "",
            suggestion.finding.name if suggestion.finding is not None else "",
            suggestion.why.value,
            seen[name],
        ]
        for name, suggestion in suggestions.items()
    ]
    _save(out, write_table(["name", "finding", "suggestion", "why", "labels"], rows))
    open_ = sum(not row[1] for row in rows)
    typer.echo(f"{counted(len(rows), 'name')}, of which {open_} need a person, written to {printable(out)}.", err=True)
    if open_:
        raise typer.Exit(EXIT_PROBLEMS)


def export_files(
    *,
    files: Sequence[str],
    taxonomy: str,
    to: str,
    out: str,
    format: str,
    map: str,
    images: str,
    target: str,
    likely: UncertainAs,
    possible: UncertainAs,
    problems: str,
) -> None:
    """``getdata labels export``."""
    if to not in WRITERS:
        refuse("There is no format of that name to write.", f"Choose one of: {', '.join(WRITERS)}.", where=to)
    findings, known = _taxonomy(taxonomy), _images(images)
    if to in NEED_SOURCES and (known is None or not known.sources):
        refuse("SR and SEG refer to the DICOM images.", "Name their folder with --images.", where=to)
    _other_than(files, (out, problems))
    read_ = _read(files, format, findings, map, known)
    told = [(name, problem) for name, each in read_ for problem in each.problems]
    entries = [entry for _, each in read_ for entry in each.entries]
    sizes: dict[ImageRef, Size] = {ref: size for _, each in read_ for ref, size in each.image_sizes.items()}
    if known is not None:
        entries = _as_known(entries, known, to)
        sizes.update({ref: size for ref, size in known.sizes.items() if size is not None})
    written = write(
        entries,
        format=to,
        taxonomy=findings,
        policy=UncertaintyPolicy(likely=likely, possible=possible),
        target=_taxonomy(target) if target else None,
        image_sizes=sizes,
        images=[ref for _, each in read_ for ref in each.images] if to in ("coco", "yolo", "voc") else (),
        sources=known.sources if known is not None else None,
    )
    told.extend((to, problem) for problem in written.left_out)
    if entries and written.files:
        _save_all(out, written.files)
    _finish(read_, told, problems)
    if not entries or not written.files:
        typer.echo("No label could be written.", err=True)
        raise typer.Exit(EXIT_UNREADABLE)
    typer.echo(f"{counted(len(written.files), 'file')} written to {printable(out)}.", err=True)
    if told:
        raise typer.Exit(EXIT_PROBLEMS)


def _as_known(entries: Sequence[Entry], known: KnownImages, to: str) -> list[Entry]:
    """Entries under the references that SR and SEG need: a file's name becomes the image it means."""
    if to not in NEED_SOURCES:
        return list(entries)
    from fulfillment.labels.formats import match_images

    found = match_images((entry.image for entry in entries), known.sources)
    return [replace(e, image=match.image) if (match := found[e.image]).image is not None else e for e in entries]


def _inner(imported: Imported) -> list[Problem]:
    """What labels say against each other, where there are no images to hold them against."""
    sizes: dict[ImageRef, Size | None] = dict.fromkeys((entry.image for entry in imported.entries), None)
    return check_against(imported.entries, {**sizes, **imported.image_sizes}, unmapped=False)


def _taxonomy(name: str) -> Taxonomy:
    if name not in TAXONOMY_NAMES:
        refuse("There is no list of findings of that name.", f"Choose one of: {', '.join(TAXONOMY_NAMES)}.", where=name)
    return get_taxonomy(name)


def _images(path: str) -> KnownImages | None:
    if not path:
        return None
    try:
        return known_images(Path(path))
    except (OSError, ValueError):
        refuse("The images cannot be opened.", "Name a folder, or a CSV table, that you may read.", where=path)


def _mapping(path: str) -> dict[str, str | None] | None:
    if not path:
        return None
    try:
        rows = list(csv.DictReader(io.StringIO(Path(path).read_text("utf-8-sig"))))
    except (OSError, ValueError, csv.Error):
        refuse("The mapping cannot be read.", "getdata labels names writes one.", where=path)
    if not rows or not {"name", "finding"} <= set(rows[0]):
        refuse("The mapping has no columns name and finding.", "getdata labels names writes one.", where=path)
    return {_bare(row["name"]): (row["finding"] or "").strip() or None for row in rows if row["name"]}


def _bare(name: str) -> str:
    from fulfillment.labels.formats.tabular import plain_cell

    return plain_cell(name.strip())


def _read(
    files: Sequence[str], format: str, taxonomy: Taxonomy, map: str, known: KnownImages | None
) -> list[tuple[str, Imported]]:
    """Each source by its name; files of a format that belong together are one source."""
    if format != "auto" and format not in FORMATS:
        refuse("There is no format of that name.", f"Choose auto or one of: {', '.join(FORMATS)}.", where=format)
    for file in files:
        if not Path(file).exists():
            refuse("There is no such file.", "Check its name.", where=file)
    mapping = _mapping(map)
    sizes = {ref: size for ref, size in known.sizes.items() if size is not None} if known is not None else None
    sources: list[tuple[str, str | dict[str, bytes]]] = list(_grouped(files, format))
    return [
        (name, read(source, taxonomy=taxonomy, format=format, mapping=mapping, image_sizes=sizes))
        for name, source in sources
    ]


def _grouped(files: Sequence[str], format: str) -> list[tuple[str, str | dict[str, bytes]]]:
    if len(files) == 1 or any(Path(file).is_dir() for file in files):
        return [(file, file) for file in files]
    heads = {file: _head(file) for file in files}
    kinds = {file: sniff(head, Path(file).name) if format == "auto" else format for file, head in heads.items()}
    together = [file for file in files if kinds[file] in _TOGETHER]
    beside = [
        file
        for file in files
        if together
        and kinds[file] not in _TOGETHER
        and (kinds[file] is None or Path(file).name in ("legend.csv", "provenance.csv"))
    ]
    alone: list[tuple[str, str | dict[str, bytes]]] = [
        (file, file) for file in files if file not in together and file not in beside
    ]
    if together:
        names = [Path(file).name for file in (*together, *beside)]
        named = names if len(set(names)) == len(names) else [*together, *beside]
        members = {name: Path(file).read_bytes() for name, file in zip(named, (*together, *beside), strict=True)}
        alone.append((f"{together[0]} and {len(members) - 1} more" if len(members) > 1 else together[0], members))
    return alone


def _head(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            return stream.read(1024 * 1024)
    except OSError:
        refuse("The file cannot be read.", "Check that you may read it.", where=file)


def _other_than(files: Sequence[str], outputs: Sequence[str]) -> None:
    """Refuse to write over what is read, and one output over another."""
    sources = {Path(file).resolve() for file in files}
    targets = [Path(output).resolve() for output in outputs if output]
    for target in targets:
        if target in sources or targets.count(target) > 1:
            refuse(
                "The output would overwrite another file of this command.", "Choose another name.", where=str(target)
            )


def _save(path: str, data: bytes) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a file name"
        refuse(f"It cannot be written ({reason}).", "Choose another place.", where=path)


def _save_all(out: str, files: Mapping[str, bytes]) -> None:
    """One file under the name given; several in a folder of that name."""
    if len(files) == 1 and Path(out).suffix and not Path(out).is_dir():
        _save(out, next(iter(files.values())))
        return
    for name, data in files.items():
        _save(str(Path(out) / name), data)


def _shapes(entries: Sequence[Entry]) -> bytes:
    """Every shape with the row of the table it belongs to, the header being row 1."""
    rows = [
        {
            "row": number,
            entry.image.kind: entry.image.value,
            "finding": entry.key or entry.finding,
            "state": entry.state.value,
            "reader": entry.reader,
            "method": entry.method,
            "shape": entry.shape.as_json(),
        }
        for number, entry in enumerate(entries, start=2)
        if entry.shape is not None
    ]
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def _finish(read_: Sequence[tuple[str, Imported]], told: Sequence[tuple[str, Problem]], path: str) -> None:
    """The summary on standard output, the first problems on standard error, all of them in the file."""
    header = ("file", "format", "rows", "labels", "named", "shapes", "images", "problems")
    count = Counter(name for name, _ in told)
    lines = [
        (
            printable(name),
            each.format or "unknown",
            *(
                str(number)
                for number in (
                    each.rows,
                    len(each.entries),
                    sum(bool(entry.key) for entry in each.entries),
                    sum(entry.shape is not None for entry in each.entries),
                    len(each.images),
                    count[name],
                )
            ),
        )
        for name, each in read_
    ]
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    for line in (header, *lines):
        aligned = zip(line, widths, (0, 0, 1, 1, 1, 1, 1, 1), strict=True)
        typer.echo(
            "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in aligned).rstrip()
        )
    for code, number in Counter(problem.code for _, problem in told).most_common():
        typer.echo(f"  {number:>6}  {code}")
    shown = 0
    for code in dict.fromkeys(problem.code for _, problem in told):
        for name, problem in [pair for pair in told if pair[1].code == code][:SHOWN_EACH]:
            typer.echo(_text(name, problem), err=True)
            shown += 1
    if len(told) > shown:
        where = f"in {printable(path)}" if path else "not shown; --problems FILE lists them"
        typer.echo(f"{counted(len(told) - shown, 'more problem')} {where}.", err=True)
    if path:
        rows = [
            [
                name,
                problem.file,
                Verbatim(problem.row or ""),
                problem.place,
                problem.code,
                problem.cause,
                problem.remedy,
            ]
            for name, problem in told
        ]
        _save(path, write_table(["source", "file", "row", "place", "code", "cause", "cure"], rows))


def _text(name: str, problem: Problem) -> str:
    where = ", ".join(
        part for part in (problem.file, f"row {problem.row}" if problem.row else "", problem.place) if part
    )
    return (
        f"{printable(name)}{': ' + printable(where) if where else ''}  [{problem.code}]\n"
        f"  cause: {printable(problem.cause)}\n  cure:  {printable(problem.remedy)}"
    )
