"""The house rules as executable checks."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import migrations, models

from getdata.common.logs import FIELDS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("getdata", "requests_app", "fulfillment", "deid")
OUR_APPS = ("audit", "accounts", "notifications", "webhooks", "trust", "requests_app", "fulfillment")


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


@cache
def trees() -> list[tuple[str, ast.Module]]:
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())) for path in sources()]


def calls(tree: ast.Module, attribute: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute:
            yield node


def models_with_states() -> list[type[models.Model]]:
    found = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    return [model for model in found if any(field.name == "status" for field in model._meta.fields)]


def test_tasks_are_thin_named_and_limited() -> None:
    problems = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if not (isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "shared_task"):
                    continue
                given = {keyword.arg for keyword in decorator.keywords}
                statements = [s for s in node.body if not isinstance(s, ast.ImportFrom | ast.Import)]
                docstring = (
                    statements and isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant)
                )
                body = statements[1:] if docstring else statements
                if not node.name.endswith("_task") or not {"name", "soft_time_limit", "time_limit"} <= given:
                    problems.append(f"{path}: {node.name} needs a name ending in _task, and both time limits")
                if len(body) != 1 or len(node.args.args) > 1:
                    problems.append(f"{path}: {node.name} takes one primary key and calls one function")
    assert problems == []


def test_work_is_sent_only_through_enqueue_on_commit() -> None:
    allowed = "getdata/common/queue.py"
    found = [
        f"{path}:{call.lineno} {name}"
        for path, tree in trees()
        for name in ("delay", "apply_async", "send_task", "on_commit")
        for call in calls(tree, name)
        if path != allowed
    ]
    assert found == []


def test_no_code_sets_a_status_but_transition() -> None:
    found = []
    for path, tree in trees():
        if path == "getdata/common/states.py":
            continue
        for node in ast.walk(tree):
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AugAssign)
                else []
            )
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "status" and not _is_self(target):
                    found.append(f"{path}:{node.lineno} assigns .status")
        found += [
            f"{path}:{call.lineno} updates status"
            for call in calls(tree, "update")
            if any(keyword.arg == "status" for keyword in call.keywords)
        ]
    assert found == []


def _is_self(target: ast.Attribute) -> bool:
    return isinstance(target.value, ast.Name) and target.value.id == "self"


@pytest.mark.parametrize("model", models_with_states(), ids=lambda model: model.__name__)
def test_a_model_with_states_declares_its_moves_and_the_database_knows_them(model: Any) -> None:
    states = set(model.Status.values)
    assert set(model.TRANSITIONS) == states
    assert set().union(*model.TRANSITIONS.values()) <= states
    assert all(state not in targets for state, targets in model.TRANSITIONS.items()), "a state does not follow itself"
    constraints = [c.name for c in model._meta.constraints if isinstance(c, models.CheckConstraint)]
    assert f"{model._meta.model_name}_status_known" in constraints


def test_logs_carry_constant_messages_and_listed_fields_only() -> None:
    """No header value can ride in a message or an extra field: messages are constants, fields are our own keys and codes."""
    problems = []
    for path, tree in trees():
        for level in ("debug", "info", "warning", "error", "exception", "critical"):
            for call in calls(tree, level):
                owner = call.func.value  # type: ignore[attr-defined]
                if not (isinstance(owner, ast.Name) and owner.id in ("logger", "log")):
                    continue
                if not (len(call.args) == 1 and isinstance(call.args[0], ast.Constant)):
                    problems.append(f"{path}:{call.lineno} the message must be one constant")
                for keyword in call.keywords:
                    if keyword.arg != "extra" or not isinstance(keyword.value, ast.Dict):
                        problems.append(f"{path}:{call.lineno} only extra={{...}} is allowed")
                        continue
                    for key in keyword.value.keys:
                        if not (isinstance(key, ast.Constant) and key.value in FIELDS):
                            problems.append(f"{path}:{call.lineno} a field that getdata.common.logs does not list")
    assert problems == []


def test_the_engine_never_logs_or_prints() -> None:
    found = []
    for path, tree in trees():
        if not path.startswith("deid/") or path == "deid/__main__.py" or path.startswith("deid/pixels/training/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and any(alias.name == "logging" for alias in node.names):
                found.append(f"{path}:{node.lineno} imports logging")
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                found.append(f"{path}:{node.lineno} prints")
    assert found == []


def test_files_have_one_subject_and_stay_readable() -> None:
    named = [p.as_posix() for p in sources() if p.name in ("utils.py", "helpers.py", "misc.py")]
    long = [f"{p.relative_to(ROOT)}: {n} lines" for p in sources() if (n := len(p.read_text().splitlines())) > 420]
    assert named == []
    assert long == []


def test_data_migrations_can_be_reversed_or_elided() -> None:
    problems = []
    for label in OUR_APPS:
        folder = Path(apps.get_app_config(label).path) / "migrations"
        for path in sorted(folder.glob("0*.py")):
            module = importlib.import_module(f"{apps.get_app_config(label).name}.migrations.{path.stem}")
            for operation in module.Migration.operations:
                if isinstance(operation, migrations.RunPython | migrations.RunSQL) and not (
                    operation.reversible or operation.elidable
                ):
                    problems.append(f"{label}/{path.name}")
    assert problems == []


def test_every_dependency_says_why_it_is_here() -> None:
    lines = (ROOT / "pyproject.toml").read_text().split("dependencies = [", 1)[1].split("\n]", 1)[0].splitlines()
    unexplained = [line.strip() for line in lines if line.strip().startswith('"') and "#" not in line]
    assert unexplained == []


def test_no_path_of_a_machine_and_no_secret_is_committed() -> None:
    suspicious = ("/wor" + "k/", "/ro" + "ot/", "BEGIN PRIVATE" + " KEY")
    kinds = {".py", ".md", ".html", ".js", ".css", ".toml", ".yml", ".yaml", ".csv", ".json"}
    found = []
    for folder in (*PACKAGES, "templates", "static", "tests", "docs", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in kinds:
                text = path.read_text(errors="ignore")
                found += [f"{path.relative_to(ROOT)}: {word}" for word in suspicious if word in text]
    assert found == []


def test_every_table_of_immutable_rows_is_held_by_the_database_or_says_why_not() -> None:
    """Add it to fulfillment.write_once.EVIDENCE, or to LEFT_OUT beside its test with the reason."""
    from fulfillment import write_once
    from getdata.common.models import Immutable
    from tests.trust.test_write_once import LEFT_OUT

    held = {write_once.LABELS, write_once.SHAPES, write_once.AUDITS, *write_once.EVIDENCE}
    immutable = {model._meta.db_table for model in apps.get_models() if issubclass(model, Immutable)}
    assert immutable - held - set(LEFT_OUT) == set()
    assert set(LEFT_OUT) - immutable == set()
    assert set(LEFT_OUT) & held == set()


def test_every_function_that_opens_sealed_material_says_which_event_tells_of_it() -> None:
    """Record the look (fulfillment.looks), and say so in READS of tests/trust/test_reads.py."""
    from tests.trust.test_reads import READS, WORKERS, found

    places = {place for place in found() if place in READS or not place.startswith(WORKERS)}
    assert places - set(READS) == set(), "say in READS what tells of these, and make it so"
    assert set(READS) - places == set(), "these open nothing any more"
