"""After a restore: what the former database had that the restored one has not, for people to look after.

Nothing outside was turned back with the database: money that a provider took stays taken, and a key that
leaked is valid again. So both are compared while both are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orgbilling.backups import target
from orgbilling.backups.position import TABLES, position_of
from orgbilling.backups.target import Connection

#: So many are named, of each; the rest is counted.
NAMED: Final = 20

ATTEMPTS: Final = (
    "SELECT id::text, updated_at, concat_ws(' ', status, amount, currency, nullif(reference, ''))"
    " FROM payment_attempts"
)
KEYS: Final = "SELECT id::text, revoked_at, name FROM api_keys WHERE revoked_at IS NOT NULL"
PEOPLE: Final = "SELECT id::text, created_at, email::text FROM users WHERE NOT is_active"

#: Edited or rotated since the backup: the receiver may know another secret than this database has.
ENDPOINTS: Final = (
    "SELECT id::text, updated_at, url FROM webhook_endpoints WHERE status <> 'deleted'"
)


def differences(before: str) -> Iterator[str]:
    """A line for each thing that someone has to look after, and how many rows are lost."""
    with target.connect(before) as former, target.connect() as restored:
        then, now = position_of(former), position_of(restored)
        for table in TABLES:
            lost = then.get(table, {"rows": 0})["rows"] - now.get(table, {"rows": 0})["rows"]
            if lost > 0:
                yield f"{table}: {lost:,} rows of the former database are not in this one."
        yield from _named(former, restored, ATTEMPTS, "Compare with the provider: attempt")
        yield from _named(former, restored, KEYS, "Revoke again: API key")
        yield from _named(former, restored, PEOPLE, "Switch off again: person")
        if _has_webhooks(former) and _has_webhooks(restored):
            yield from _named(former, restored, ENDPOINTS, "Compare with its receiver: webhook")
            yield from _sent_again(former, restored)


def _has_webhooks(database: Connection) -> bool:
    """Whether it is of a version that sends webhooks."""
    row = database.execute(
        b"SELECT to_regclass('public.webhook_deliveries') IS NOT NULL"
    ).fetchone()
    return bool(row and row[0])


def _sent_again(former: Connection, restored: Connection) -> Iterator[str]:
    """What the former database has delivered and the restored one will deliver once more."""
    waiting = [
        row[0]
        for row in restored.execute(b"SELECT id FROM webhook_deliveries WHERE status = 'pending'")
    ]
    row = former.execute(
        b"SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered' AND id = ANY(%s)",
        [waiting],
    ).fetchone()
    if row and row[0]:
        yield (
            f"{row[0]:,} webhooks were delivered since the backup and will be again, with the same ids:"
            " receivers know them by these."
        )


def _named(former: Connection, restored: Connection, query: str, what: str) -> Iterator[str]:
    known = {tuple(row) for row in restored.execute(query.encode())}
    lost = [row for row in former.execute(query.encode()) if tuple(row) not in known]
    for key, moment, says in lost[:NAMED]:
        yield f"{what} {key} ({says}, {moment})."
    if len(lost) > NAMED:
        yield f"{what}: {len(lost) - NAMED:,} more."
