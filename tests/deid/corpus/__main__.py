"""`python -m tests.deid.corpus SEED [N] [POLICY]`: make, run, score, print."""

from __future__ import annotations

import sys

from deid import load_policy
from tests.deid.corpus.build import build
from tests.deid.corpus.run import run_blind
from tests.deid.corpus.score import score


def main(seed: int, count: int = 200, policy: str = "cxr-research") -> int:
    """Exit status 0 when the goals of DEID.md are met."""
    cases = build(seed, count, policy=policy)
    outputs, reasons = run_blind(cases, policy)
    result = score(cases, outputs, reasons, date_mode=load_policy(policy).date_mode)
    print(result.text())
    return 0 if not result.leaks and result.withheld_share <= 0.05 and result.kept_share >= 0.995 else 1


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(int(arguments[0]), *(int(a) for a in arguments[1:2]), *arguments[2:3]))
