"""The command line: a template that can be posted, a check with path, cause and cure, and no portal needed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from getdata.cli import app
from getdata.entry import main
from requests_app.spec import template_specs
from requests_app.spec.reading import MAX_DOCUMENT_BYTES

pytestmark = pytest.mark.pure
TEMPLATES = list(template_specs())


def run(*arguments: str, stdin: str | None = None) -> Any:
    return CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)


def written(folder: Path, document: object) -> str:
    path = folder / "request.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_request_that_nothing_blocks(name: str, tmp_path: Path) -> None:
    printed = run("request", "template", name)
    assert printed.exit_code == 0
    document = json.loads(printed.stdout)
    assert date.fromisoformat(document["delivery"]["deadline"]) > date.today()
    checked = run("request", "lint", written(tmp_path, document))
    assert checked.exit_code == 0, checked.output
    assert "[problem" not in checked.output


def test_the_list_names_every_template_and_what_it_asks_for() -> None:
    lines = run("request", "template", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == TEMPLATES
    assert all(len(line.split(maxsplit=1)[1]) > 10 for line in lines)


@pytest.mark.parametrize("arguments", [[], ["no-such-template"], ["../document"]])
def test_a_name_that_is_no_template_is_refused_with_what_helps(arguments: list[str]) -> None:
    refused = run("request", "template", *arguments)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "--list" in refused.stderr


def test_each_problem_is_printed_as_path_cause_and_cure(tmp_path: Path) -> None:
    document = json.loads(run("request", "template", TEMPLATES[0]).stdout)
    document["cohort"]["images"]["min"] = -4
    document["qoutas"] = []
    checked = run("request", "lint", written(tmp_path, document))
    assert checked.exit_code == 3
    lines = checked.stdout.splitlines()
    for path in ("cohort.images.min", "qoutas"):
        place = next(number for number, line in enumerate(lines) if line.split()[0] == path)
        assert lines[place + 1].startswith("  cause: ") and lines[place + 2].startswith("  cure:  ")
    assert "2 problems" in checked.stderr


def test_what_cannot_be_met_together_is_a_problem_too(tmp_path: Path) -> None:
    document = json.loads(run("request", "template", "cxr-lines-and-tubes").stdout)
    document["quotas"] = [{"sex": "F", "max": 800}, {"sex": "F", "view": "AP", "position": "supine", "min": 900}]
    checked = run("request", "lint", written(tmp_path, document))
    assert checked.exit_code == 3
    assert "OVER_MAXIMUM" in checked.stdout and "900" in checked.stdout and "800" in checked.stdout


def test_a_deadline_of_yesterday_is_a_problem_today(tmp_path: Path) -> None:
    document = json.loads(run("request", "template", TEMPLATES[0]).stdout)
    document["delivery"]["deadline"] = "2020-01-01"
    checked = run("request", "lint", written(tmp_path, document))
    assert (checked.exit_code, "delivery.deadline" in checked.stdout) == (3, True)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe{}", '{"title": "x"}'.encode("utf-16"), b"[1, 2]", b'"text"', b"null", b"true", b"[" * 100_000,
        b"1" * 5000, b" " * (MAX_DOCUMENT_BYTES + 1), b'{"title": NaN}', b'{"title": "x"} {}', b"{'title': 'x'}",
        b'{"title": "x",}', b"title,category\nChest,cxr\n", b"\x89PNG\r\n\x1a\n\x00", b"\x00" * 200, b"title: x\n",
    ],
    ids=[
        "empty", "cut off", "not UTF-8", "UTF-16", "a list", "a string", "null", "true", "nested",
        "a huge number", "too large", "NaN", "two documents", "a Python literal",
        "a comma too many", "CSV", "a picture", "zeros", "YAML",
    ],
)  # fmt: skip
def test_what_is_no_document_is_said_and_exits_with_two(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(content)
    checked = run("request", "lint", str(path))
    assert checked.exit_code == 2
    assert checked.stdout == ""
    assert str(path) in checked.stderr and len(checked.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["nowhere.json", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_said_and_exits_with_two(name: str, tmp_path: Path) -> None:
    checked = run("request", "lint", str(tmp_path / name))
    assert checked.exit_code == 2
    assert "cannot be read" in checked.stderr


def test_a_rejected_value_is_not_repeated(tmp_path: Path) -> None:
    checked = run("request", "lint", written(tmp_path, {"title": "x", "category": "Hertha Lindqvist 19430102"}))
    assert checked.exit_code == 3
    assert "Lindqvist" not in checked.output


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"title": "x", "title": "y"}', "title"),
        ('{"title": "x", "cohort": {"images": {"min": 1, "min": 2}}}', "cohort.images.min"),
        ('{"title": "x", "quotas": [{"sex": ["F"], "min": 1}]}', "quotas.0.sex"),
        ('{"title": "x", "quotas": {"0": {"min": 1}}}', "quotas"),
        ('{"title": "x", "labels": {"findings": [{"finding": "Mass", "source": {"min_readers": {}}}]}}',
         "labels.findings.0.source.min_readers"),
        ('{"title": "x", "share_caps": [{"axis": "site", "max_percent": 1e999}]}', "share_caps.0.max_percent"),
        ('{"title": "x", "cohort": {"images": {"min": 99999999999999999999999999}}}', "cohort.images.min"),
        ('{"title": "x", "cohort": {"images": {"min": 1.5}}}', "cohort.images.min"),
        ('{"title": "x", "cohort": {"images": {"min": true}}}', "cohort.images.min"),
        ('{"title": "x", "delivery": {"deadline": 20270101.5}}', "delivery.deadline"),
        ('{"title": ["x"]}', "title"),
        ('{"title": "x", "image": []}', "image"),
        ('{"title": "\\ud800"}', "title"),
        ('{"title": "x", "a\\u001b[31m\\nb": 1}', "a\\x1b[31m\\nb"),
        ('{"title": "x", "\\ud800": 1}', "(document)"),
        ('{"title": "x", "": 1}', "(document)"),
        ("{}", "title"),
    ],
)  # fmt: skip
def test_what_is_wrong_deep_down_is_told_at_its_place(text: str, path: str, tmp_path: Path) -> None:
    (file := tmp_path / "request.json").write_text(text, encoding="utf-8")
    checked = run("request", "lint", str(file))
    assert checked.exit_code == 3, checked.output
    lines = checked.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.split("  [")[0] == path)
    assert lines[place + 1].startswith("  cause: ") and lines[place + 2].startswith("  cure:  ")
    assert len(lines) % 3 == 0


def test_a_byte_order_mark_is_read_over() -> None:
    document = run("request", "template", TEMPLATES[0]).stdout
    assert run("request", "lint", "-", stdin="\ufeff" + document).exit_code == 0


def test_thousands_of_wrong_lines_are_told_shortly(tmp_path: Path) -> None:
    document = {"title": "x", "quotas": [{"sex": 3, "view": 4, "min": "x"}] * 400}
    checked = run("request", "lint", written(tmp_path, document))
    assert checked.exit_code == 3
    assert len(checked.stdout.splitlines()) <= 300
    assert run("request", "lint", written(tmp_path, {"title": "x", "quotas": [{"min": 1}] * 401})).exit_code == 3


def test_no_argument_and_a_second_file_are_refused() -> None:
    assert run("request", "lint").exit_code == 2
    assert run("request", "lint", "a.json", "b.json").exit_code == 2


def test_a_request_comes_by_standard_input_too() -> None:
    document = run("request", "template", TEMPLATES[0]).stdout
    assert run("request", "lint", "-", stdin=document).exit_code == 0
    assert run("request", "lint", "-", stdin="{}").exit_code == 3


def test_the_command_imports_no_django_and_asks_for_no_configuration(tmp_path: Path) -> None:
    """As a hospital runs it: another folder, an empty environment."""
    script = (
        "import sys; from getdata.cli import app\n"
        "try: app(['request', 'template', '--list'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted(m for m in ('django', 'celery', 'rest_framework', 'pydicom', 'numpy') if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_command_is_installed_under_its_name() -> None:
    import importlib.metadata as metadata

    (entry,) = metadata.entry_points(group="console_scripts", name="getdata")
    assert entry.load() is main
