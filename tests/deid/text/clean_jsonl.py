"""Clean reports from a file: `python -m tests.deid.text.clean_jsonl IN.jsonl OUT.jsonl`.

In, one JSON object a line: `id`, `text` and, where the study's header is known, `header` ({DICOM keyword: value}) and `language`.
Out: `id`, `clean`. Dates are removed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deid.text.report import clean_report
from tests.deid.text.headers import identifiers_of


def main(source: str, target: str) -> None:
    with Path(source).open(encoding="utf-8") as lines, Path(target).open("w", encoding="utf-8") as out:
        for line in lines:
            if not line.strip():
                continue
            entry = json.loads(line)
            language = entry.get("language") if entry.get("language") in ("en", "de", "es") else None
            clean = clean_report(entry["text"], identifiers_of(entry.get("header")), language)
            out.write(json.dumps({"id": entry["id"], "clean": clean.text}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
