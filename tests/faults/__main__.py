"""``python -m tests.faults [--files 1000] [--fault NAME ...] [--backend embedded|servers] [--out FILE.md]``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.faults import world
from tests.faults.programs import FAULTS, play

COLUMNS = ("lost", "two_outputs", "settled_twice", "without_reason", "further_attempts", "outages", "staged_left")


def main() -> int:
    """Play the faults one after the other; the exit status is 1 when a file was lost, doubled or left without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--fault", action="append", choices=FAULTS, help="again for several; all without it")
    parser.add_argument("--backend", choices=("embedded", "servers"), default="embedded")
    parser.add_argument("--out", type=Path, help="write the table here as well")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        world.print_json(play(options.one, options.files, Path(tempfile.mkdtemp(prefix="getdata-fault-"))))
        return 0
    accounts = [_apart(fault, options.files, options.backend) for fault in options.fault or FAULTS]
    table = _table(accounts, options.backend)
    print(table)
    if options.out:
        options.out.write_text(table)
    return int(any(not one or not _kept(one) for one in accounts))


def _apart(fault: str, files: int, backend: str) -> dict[str, Any]:
    """Each fault in a process of its own, on servers of its own: one that breaks does not break the next."""
    command = [sys.executable, "-m", "tests.faults", "--one", fault, "--files", str(files)]
    if backend == "servers":
        command = [sys.executable, "-m", "tests.services", "--", *command]
    done = subprocess.run(
        command, env=os.environ | {"GETDATA_TEST_BACKEND": backend}, stdout=subprocess.PIPE, text=True
    )
    lines = done.stdout.strip().splitlines()
    try:
        account: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        account = {}
    print(json.dumps({"fault": fault, "backend": backend, **account}), file=sys.stderr, flush=True)
    return account


def _kept(account: dict[str, Any]) -> bool:
    return not any(account[name] for name in ("lost", "two_outputs", "settled_twice", "without_reason"))


def _table(accounts: list[dict[str, Any]], backend: str) -> str:
    heads = ["fault", "files", "outcomes", *(name.replace("_", " ") for name in COLUMNS), "seconds"]
    lines = [f"## {backend}", "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for one in filter(None, accounts):
        outcomes = ", ".join(f"{n} {status}" for status, n in sorted(one["outcomes"].items()))
        reasons = "".join(f" ({n} {reason})" for reason, n in sorted(one["reasons"].items()))
        cells = [one["fault"], one["files"], outcomes + reasons, *(one[name] for name in COLUMNS), one["seconds"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines.append("")
    for one in filter(None, accounts):
        met = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in one["sender"].items() if value)
        lines.append(
            f"- **{one['fault']}**: {'; '.join(one['happened']) or 'see above'}. Sender: {met or 'nothing met'}."
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
