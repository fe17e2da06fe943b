"""``getdata labels``: label files of any kind read into one table, checked against the images, and written in any other kind.

Exit status: 0 nothing is wrong, 3 problems are listed (what is good is written all the same), 2 nothing could be read.
"""

from __future__ import annotations

from typing import Annotated

import typer

from getdata.commands.frame import SETTINGS
from requests_app.spec.vocabulary import UncertainAs
from requests_app.taxonomy import TAXONOMY_NAMES

#: Written out, because reading them from the formats would load numpy for every command.
FORMAT_NAMES = (
    "table, parquet, chexpert, nih, nih-boxes, vindr-boxes, vindr-images, padchest, siim, rsna, coco, chestx-det, yolo, voc, "
    "dicom-sr, dicom-seg, png-masks, nifti-masks"
)
WRITER_NAMES = (
    "table, parquet, chexpert, nih, nih-boxes, vindr-boxes, vindr-images, padchest, siim, rsna, coco, yolo, voc, "
    "dicom-sr, dicom-seg, dicom-seg-fractional, png-masks, png-indexed, nifti-masks"
)
labels = typer.Typer(help="Labels: read files of any kind, check them against the images, write them.", **SETTINGS)

Files = Annotated[list[str], typer.Argument(help="Files, folders or zip archives of labels.", show_default=False)]
TaxonomyName = Annotated[str, typer.Option("--taxonomy", help=f"The list of findings: {', '.join(TAXONOMY_NAMES)}.")]
FormatName = Annotated[str, typer.Option("--format", help=f"auto, or one of: {FORMAT_NAMES}.")]
MapFile = Annotated[
    str, typer.Option("--map", help="CSV with the columns name and finding; no finding leaves a name out.")
]
Images = Annotated[
    str, typer.Option("--images", help="A folder of the images, or a CSV of their names, rows and columns.")
]
ProblemsFile = Annotated[str, typer.Option("--problems", help="Write every problem to this CSV.")]


@labels.command("import")
def import_(
    files: Files,
    taxonomy: TaxonomyName,
    out: Annotated[str, typer.Option("--out", help="Write the labels to this CSV, a row each.")],
    format: FormatName = "auto",
    map: MapFile = "",
    images: Images = "",
    shapes: Annotated[str, typer.Option("--shapes", help="Write boxes, polygons and masks to this JSON.")] = "",
    problems: ProblemsFile = "",
) -> None:
    """Read labels into one table and say what is wrong with them, each with row, cause and cure.

    Exit status: 0 nothing is wrong, 3 problems are listed, 2 nothing could be read.
    """
    from getdata.commands.label_files import import_files

    import_files(
        files=files, taxonomy=taxonomy, out=out, format=format, map=map, images=images, shapes=shapes, problems=problems
    )


@labels.command()
def names(
    files: Files,
    taxonomy: TaxonomyName,
    out: Annotated[
        str, typer.Option("--out", help="Write the mapping to this CSV, to be completed and given as --map.")
    ],
    format: FormatName = "auto",
) -> None:
    """Write the names that the labels use, with what each may stand for, as a mapping to be completed.

    Only names that are certain are filled in. Exit status: 0 all are, 3 some need a person, 2 nothing could be read.
    """
    from getdata.commands.label_files import write_names

    write_names(files=files, taxonomy=taxonomy, out=out, format=format)


@labels.command()
def export(
    files: Files,
    taxonomy: TaxonomyName,
    to: Annotated[str, typer.Option("--to", help=f"One of: {WRITER_NAMES}.")],
    out: Annotated[str, typer.Option("--out", help="A file, or a folder where the format has several.")],
    format: FormatName = "auto",
    map: MapFile = "",
    images: Images = "",
    target: Annotated[str, typer.Option("--target", help="CheXpert only: write the columns of this list.")] = "",
    likely: Annotated[
        UncertainAs, typer.Option("--likely", help='CheXpert only: what "likely" becomes.')
    ] = UncertainAs.PRESENT,
    possible: Annotated[
        UncertainAs, typer.Option("--possible", help='CheXpert only: what "possible" becomes.')
    ] = UncertainAs.UNCERTAIN,
    problems: ProblemsFile = "",
) -> None:
    """Read labels of any kind and write them in another, with where they come from; what has no place there is listed.

    Exit status: 0 all of it, 3 something is left out or was wrong, 2 nothing could be read or written.
    """
    from getdata.commands.label_files import export_files

    export_files(
        files=files,
        taxonomy=taxonomy,
        to=to,
        out=out,
        format=format,
        map=map,
        images=images,
        target=target,
        likely=likely,
        possible=possible,
        problems=problems,
    )
