"""The adversarial corpus through the real command and through the engine: no leak, little withheld, nearly all kept."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("gdcm", reason="no encoder to make compressed inputs with")

from deid import load_policy
from tests.deid.corpus.build import build
from tests.deid.corpus.run import run_blind, run_command
from tests.deid.corpus.score import score


def test_a_slice_of_the_corpus_goes_clean_through_the_command(tmp_path: Path) -> None:
    cases = build(7001, 12)
    outputs, reasons = run_command(cases, tmp_path)
    result = score(cases, outputs, reasons)
    assert result.files == 12 and not result.leaks, result.text()
    assert result.withheld_share <= 0.05 and result.checks > 500, result.text()
    lost = [what for _, what in result.lost if not what.startswith("pixels")]
    assert len(lost) <= 0.01 * result.checks, result.text()


@pytest.mark.parametrize("policy", ["cxr-research", "safe-harbor", "limited-data-set"])
def test_the_engine_leaks_nothing_of_the_corpus_under_any_policy(policy: str) -> None:
    cases = build(7002, 25, policy=policy)
    outputs, reasons = run_blind(cases, policy)
    result = score(cases, outputs, reasons, date_mode=load_policy(policy).date_mode)
    assert not result.leaks, result.text()
    assert result.withheld_share <= 0.05 and result.kept_share >= 0.99, result.text()


def test_the_scorer_finds_what_an_idle_engine_leaves() -> None:
    cases = build(7003, 6)
    result = score(cases, {case.instance: case.data for case in cases}, {})
    assert result.leaking_files == 6 and len({kind for _, kind, _ in result.leaks}) >= 6


def test_the_scorer_finds_what_a_careless_engine_throws_away() -> None:
    from io import BytesIO

    from pydicom import dcmread

    cases = build(7004, 6)
    outputs, reasons = run_blind(cases)
    for uid, data in outputs.items():
        ds = dcmread(BytesIO(data))
        for keyword in ("KVP", "ViewPosition", "SourceImageSequence", "StudyDescription", "ViewCodeSequence"):
            if keyword in ds:
                delattr(ds, keyword)
        ds.StudyDate = "20000101"
        stream = BytesIO()
        ds.save_as(stream, enforce_file_format=True)
        outputs[uid] = stream.getvalue()
    lost = {what.split()[0] for _, what in score(cases, outputs, reasons).lost}
    assert {"StudyDescription", "ViewCodeSequence", "interval"} <= lost and lost & {"KVP", "ViewPosition"}
