"""One clock for all machines: the database's.

A lease that is written by one machine's clock and judged by another's is wrong by the difference of the two. Whatever decides
between machines (a lease, a turn, when the sweeper last ran) therefore asks the database. On SQLite that is this machine's own
clock, and there is no other machine.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection


def database_now() -> datetime:
    """The database's present time, aware, in UTC. Not the beginning of the transaction: a long one would set leases short."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            now: datetime = cursor.fetchone()[0]
            return now.astimezone(UTC)
        cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
