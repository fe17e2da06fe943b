"""Everything that a portal wrote while it ran, outside the quarantine: what a leak would have to be in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from tests.e2e.portal import Portal

#: Sealed originals; the programs' own folder of secrets holds no word of anybody.
_SEALED = ("files/quarantine/", "secrets/")
_ROWS = (
    "import sys; from getdata.trust.backup import rows\n"
    "with rows.snapshot():\n"
    "    for line in rows.lines(): sys.stdout.buffer.write(line)"
)


def written(portal: Portal) -> Iterator[tuple[str, bytes]]:
    """(where, bytes): logs, mail, broker messages, caches, released files and previews, staging, the database's own files and every
    row of it (audit events, messages, webhooks, sessions' neighbours), metrics, and the pages that say no.
    """
    for path in sorted(portal.var.rglob("*")):
        name = path.relative_to(portal.var).as_posix()
        if path.is_file() and not name.startswith(_SEALED):
            yield f"file {name}", path.read_bytes()
    yield "rows of the database", portal.manage("manage.py", "shell", "--no-imports", "-c", _ROWS).encode()
    for address in ("/metrics", "/readyz", "/no-such-page/", "/api/v1/batches/no-such-batch/", "/batches/"):
        answer = httpx.get(f"{portal.url}{address}")
        yield f"page {address}", answer.content + str(answer.headers).encode()
