"""``getdata labels``: import with problems and shapes, a mapping to be completed, export in any format; statuses 0, 3 and 2."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from getdata.cli import app

pytestmark = pytest.mark.pure
TAXONOMY = ("--taxonomy", "getdata-cxr")


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["labels", *map(str, arguments)], catch_exceptions=False)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("one.png", "two.png"):
        Image.fromarray(np.zeros((60, 50), dtype=np.uint8)).save(folder / name)
    return folder


def vindr(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max", *rows]), "utf-8")
    return path


def test_good_labels_become_a_table_and_shapes(tmp_path: Path, images: Path) -> None:
    file = vindr(tmp_path / "v.csv", "one,Atelectasis,0,R1,1,2,30,40", "two,No finding,14,R1,,,,")
    done = run(
        "import", file, *TAXONOMY, "--images", images, "--out", tmp_path / "o.csv", "--shapes", tmp_path / "s.json"
    )
    assert done.exit_code == 0, done.output
    rows = table(tmp_path / "o.csv")
    assert [(row["image_id"], row["finding"], row["state"], row["reader"]) for row in rows] == [
        ("one", "Atelectasis", "present", "R1"),
        ("two", "No Finding", "present", "R1"),
    ]
    (shape,) = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert (shape["row"], shape["shape"]) == (2, {"kind": "box", "box": [1, 2, 29, 38]})
    assert "vindr-boxes" in done.stdout


def test_problems_are_listed_with_row_cause_and_cure_and_good_rows_are_kept(tmp_path: Path, images: Path) -> None:
    file = vindr(
        tmp_path / "v.csv",
        "one,Atelectasis,0,R1,1,2,30,40",
        "one,Atelectasis,0,R1,30,2,1,40",
        "one,Mass,8,R1,1,2,300,40",
        "nine,Mass,8,R1,1,2,30,40",
        "one,Wonder,9,R1,1,2,30,40",
    )
    done = run(
        "import", file, *TAXONOMY, "--images", images, "--out", tmp_path / "o.csv", "--problems", tmp_path / "p.csv"
    )
    assert done.exit_code == 3
    assert len(table(tmp_path / "o.csv")) == 4
    told = {row["code"]: row for row in table(tmp_path / "p.csv")}
    assert {code: row["row"] for code, row in told.items()} == {
        "CORNERS_SWAPPED": "3",
        "BOX_PARTLY_OUTSIDE": "4",
        "IMAGE_UNMATCHED": "5",
        "FINDING_UNKNOWN": "6",
    }
    assert all(row["cause"] and row["cure"] for row in told.values())
    assert "cure:" in done.stderr
    assert "Wonder" not in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "no-such-file.csv", *TAXONOMY, "--out", "x.csv"),
        ("import", __file__, "--taxonomy", "none", "--out", "x.csv"),
        ("import", __file__, *TAXONOMY, "--out", "x.csv", "--format", "none"),
        ("import", __file__, *TAXONOMY, "--out", __file__),
        ("import", __file__, *TAXONOMY, "--out", "x.csv", "--map", "no-such-map.csv"),
        ("import", __file__, *TAXONOMY, "--out", "x.csv", "--images", "no-such-folder"),
        ("export", __file__, *TAXONOMY, "--to", "none", "--out", "x.csv"),
        ("export", __file__, *TAXONOMY, "--to", "dicom-seg", "--out", "x"),
        ("import", __file__, *TAXONOMY, "--out", "x.csv"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_helps(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = Path(__file__).read_bytes()
    refused = run(*arguments)
    assert refused.exit_code == 2, refused.output
    assert refused.stderr.strip()
    assert not (tmp_path / "x.csv").exists()
    assert Path(__file__).read_bytes() == before


def test_a_mapping_is_written_completed_and_used(tmp_path: Path) -> None:
    file = vindr(tmp_path / "v.csv", "one,Wonder,0,R1,1,2,30,40", "one,Mass,1,R1,1,2,30,40")
    done = run("names", file, *TAXONOMY, "--out", tmp_path / "map.csv")
    assert done.exit_code == 3
    rows = table(tmp_path / "map.csv")
    assert [(row["name"], row["finding"], row["why"]) for row in rows] == [
        ("Wonder", "", "none"),
        ("Mass", "Mass", "exact"),
    ]
    (tmp_path / "map.csv").write_text("name,finding\nWonder,Nodule\nMass,\n", "utf-8")
    done = run("import", file, *TAXONOMY, "--map", tmp_path / "map.csv", "--out", tmp_path / "o.csv")
    assert done.exit_code == 0, done.output
    assert [row["finding"] for row in table(tmp_path / "o.csv")] == ["Nodule"]


def test_files_that_belong_together_are_read_together(tmp_path: Path, images: Path) -> None:
    (tmp_path / "one.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    (tmp_path / "two.txt").write_text("0 0.5 0.5 0.4 0.2\n")
    (tmp_path / "classes.txt").write_text("Mass\nNodule\n")
    names = [tmp_path / name for name in ("one.txt", "two.txt", "classes.txt")]
    done = run("import", *names, *TAXONOMY, "--images", images, "--out", tmp_path / "o.csv")
    assert done.exit_code == 0, done.output
    assert {row["image_id"]: (row["finding"], float(row["width"])) for row in table(tmp_path / "o.csv")} == {
        "one": ("Nodule", pytest.approx(10)),
        "two": ("Mass", pytest.approx(20)),
    }


def test_a_table_is_exported_as_coco_and_as_yolo_in_an_archive_and_comes_back(tmp_path: Path, images: Path) -> None:
    file = vindr(tmp_path / "v.csv", "one,Atelectasis,0,R1,1,2,30,40", "two,Mass,1,R2,10,2,30,40")
    for to, out in (("coco", tmp_path / "c.json"), ("yolo", tmp_path / "y"), ("parquet", tmp_path / "l.parquet")):
        done = run("export", file, *TAXONOMY, "--images", images, "--to", to, "--out", out)
        assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        for path in (tmp_path / "y").rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(tmp_path / "y"))
    for name in ("c.json", "y", "y.zip", "l.parquet"):
        done = run("import", tmp_path / name, *TAXONOMY, "--images", images, "--out", tmp_path / "again.csv")
        assert done.exit_code == 0, (name, done.output)
        rows = {row["image_id"]: row for row in table(tmp_path / "again.csv")}
        assert rows["one"]["reader"] == "R1"
        assert float(rows["two"]["x"]) == pytest.approx(10)


def test_what_a_format_cannot_say_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("file,finding,state\na.png,Mass,absent\na.png,Nodule,present\n", "utf-8")
    done = run("export", file, *TAXONOMY, "--to", "nih", "--out", tmp_path / "n.csv")
    assert done.exit_code == 3
    assert "STATE_LEFT_OUT" in done.stdout
    assert (tmp_path / "n.csv").read_text("utf-8") == "Image Index,Finding Labels\na.png,Nodule\n"


def test_the_help_names_every_format() -> None:
    from fulfillment.labels.formats import FORMATS, WRITERS
    from getdata.commands.labels import FORMAT_NAMES, WRITER_NAMES

    assert FORMAT_NAMES.split(", ") == list(FORMATS)
    assert WRITER_NAMES.split(", ") == list(WRITERS)
