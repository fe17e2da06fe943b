"""Running the engine over a corpus: in this process with a detector that sees nothing, or through the real command."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from deid import Context, Keyring, Released, deidentify, load_policy
from tests.deid.corpus.build import Case
from tests.deid.objects import SECRET, BlindDetector, SilentReader


def run_blind(cases: list[Case], policy: str = "cxr-research") -> tuple[dict[str, bytes], dict[str, str]]:
    """(outputs, reasons) by original SOPInstanceUID. Every file alone: nothing is known of the patient's other files."""
    outputs, reasons = {}, {}
    for case in cases:
        outcome = deidentify(
            case.data,
            load_policy(policy),
            Keyring(SECRET, "corpus"),
            Context(),
            detector=BlindDetector(),
            reader=SilentReader(),
        )
        if isinstance(outcome, Released):
            outputs[case.instance] = outcome.data
        else:
            reasons[case.instance] = f"{outcome.reason}: {outcome.record.detail}"
    return outputs, reasons


def run_command(
    cases: list[Case], folder: Path, policy: str = "cxr-research"
) -> tuple[dict[str, bytes], dict[str, str]]:
    """(outputs, reasons) of `python -m deid` over a folder whose file names hold the patients' names."""
    source, output, key = folder / "in", folder / "out", folder / "key"
    source.mkdir()
    key.write_bytes(SECRET)
    for case in cases:
        place = source / case.person.physician / case.name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(case.data)
    done = subprocess.run(
        [sys.executable, "-m", "deid", source, output, "--policy", policy, "--key-file", key, "--map", folder / "map.csv",
         "--report", folder / "report.json"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr[-500:]
    outputs, reasons = {}, {}
    with (folder / "map.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            uid = row["original_sop_instance_uid"]
            if row["status"] == "released":
                outputs[uid] = (output / row["output"]).read_bytes()
            else:
                reasons[uid] = row["reason"]
    names = "".join(str(path) for path in output.rglob("*")) + done.stderr + (folder / "report.json").read_text()
    for case in cases:
        assert case.person.physician not in names
    return outputs, reasons
