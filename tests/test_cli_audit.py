"""``getdata audit``: a folder in, figures and a page out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from getdata.cli import app
from tests.fulfillment.audits.cohorts import make

pytestmark = pytest.mark.pure


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["audit", *arguments], catch_exceptions=False)


def test_a_folder_with_pictures_gives_figures_and_a_page(tmp_path: Path) -> None:
    folder = make(30, seed=1, pictures=True).write(tmp_path / "cohort")
    (folder / "i000003.png").unlink()
    (folder / "duplicates.csv").write_text("image_id,cluster\ni000001,c1\ni000002,c1\nnobody,c1\n")
    out, html = tmp_path / "audit.json", tmp_path / "audit.html"
    found = run(str(folder), "--out", str(out), "--html", str(html), "--permutations", "100")
    assert found.exit_code == 0, found.output
    document = json.loads(out.read_text())
    assert document["cohort"]["pictures_read"] == 29
    assert "images.csv, row 5: The file at path: It cannot be read" in found.output
    assert "duplicates.csv, row 4" in found.output
    assert document["external_validation"]["duplicates"] == {"images": 2, "clusters": 1}
    assert "<!doctype html>" in html.read_text()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "images.csv: It is not in the folder."),
        ({"images.csv": ""}, "images.csv: It is empty."),
        ({"images.csv": "picture,site\n1,a\n"}, "images.csv: It has no column image_id."),
        (
            {"images.csv": "image_id\n1\n", "labels.csv": "image_id,finding\n1,x\n"},
            "labels.csv: It has no column state.",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_named_with_its_cure(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = run(str(tmp_path), "--out", str(tmp_path / "o.json"))
    assert found.exit_code == 2 and words in found.output and not (tmp_path / "o.json").exists()


def test_semicolons_and_capitals_are_read(tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("Image_ID;Patient_ID;Age\na;p;60\n")
    (tmp_path / "labels.csv").write_text("IMAGE_ID;Finding;STATE\na;Edema;-1\n")
    assert run(str(tmp_path), "--out", str(tmp_path / "o.json")).exit_code == 0
    document = json.loads((tmp_path / "o.json").read_text())
    assert document["balance"]["findings"][0]["states"]["possible"] == 1
