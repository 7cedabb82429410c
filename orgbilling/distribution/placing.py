"""Tables go where the rules want them, with their rows, keys and foreign keys, and without their triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from orgbilling.database import citus
from orgbilling.database.citus import COLUMN
from orgbilling.distribution import cluster
from orgbilling.distribution.catalogue import rows
from orgbilling.distribution.errors import CannotDistribute
from orgbilling.distribution.kinds import TableKind

_FOREIGN_KEYS = """
    SELECT c.conrelid::regclass::text, c.conname::text, pg_get_constraintdef(c.oid)
    FROM pg_constraint c
    WHERE c.contype = 'f' AND c.conparentid = 0
        AND (c.conrelid::regclass::text = ANY (%s) OR c.confrelid::regclass::text = ANY (%s))
    ORDER BY c.conrelid::regclass::text, c.conname
"""
_TRIGGERS = """
    SELECT t.tgrelid::regclass::text, t.tgname::text FROM pg_trigger t
    WHERE NOT t.tgisinternal AND t.tgrelid::regclass::text = ANY (%s) ORDER BY 1, 2
"""


class ForeignKey(NamedTuple):
    """A constraint that is taken off while its tables move."""

    table: str
    name: str
    definition: str


def place(
    connection: BaseDatabaseWrapper, kinds: Mapping[str, TableKind], shards: int
) -> dict[str, TableKind]:
    """Move what isn't where it should be, inside the caller's transaction; return what was moved.

    Raises:
        CannotDistribute: a table has been distributed otherwise.
    """
    there = cluster.tables_there(connection)
    moving = _moving(kinds, there)
    if not moving:
        return {}
    foreign_keys = _bare(connection, list(moving))
    for table, kind in moving.items():
        if kind is TableKind.DISTRIBUTED:
            citus.promote_key(connection, table)
    for statement in _placing(moving, there, shards):
        citus.run(connection, statement)
    # The rows have been copied to the workers; the coordinator's own copy is never read again.
    empty = sql.SQL("SELECT truncate_local_data_after_distributing_table({}::regclass)")
    for table in moving:
        citus.run(connection, empty.format(table))
    for key in foreign_keys:
        name, definition = sql.Identifier(key.name), sql.SQL(key.definition)
        citus.run(
            connection,
            citus.alter(key.table, sql.SQL("ADD CONSTRAINT {} {}").format(name, definition)),
        )
    return moving


def _bare(connection: BaseDatabaseWrapper, names: list[str]) -> list[ForeignKey]:
    """Take the foreign keys from and to these tables off, and their triggers; return the foreign keys."""
    found = [ForeignKey(*row) for row in rows(connection, _FOREIGN_KEYS, names, names)]
    for key in found:
        drop = sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(key.name))
        citus.run(connection, citus.alter(key.table, drop))
    for table, name in rows(connection, _TRIGGERS, names):
        on = sql.Identifier(name), sql.Identifier(table)
        citus.run(connection, sql.SQL("DROP TRIGGER {} ON {}").format(*on))
    return found


def _moving(kinds: Mapping[str, TableKind], there: Mapping[str, TableKind]) -> dict[str, TableKind]:
    moving: dict[str, TableKind] = {}
    for name, kind in kinds.items():
        now = there.get(name, TableKind.LOCAL)
        if now is kind:
            continue
        if now is not TableKind.LOCAL:
            raise CannotDistribute(
                f"{name} is a {now} table and should be {kind}: run SELECT undistribute_table('{name}'), "
                "then this command again."
            )
        moving[name] = kind
    return moving


def _placing(
    moving: Mapping[str, TableKind], there: Mapping[str, TableKind], shards: int
) -> Iterator[sql.Composable]:
    """Reference tables first, then the table that the others are cut like, then those."""
    for table, kind in moving.items():
        if kind is TableKind.REFERENCE:
            yield sql.SQL("SELECT create_reference_table({}::regclass)").format(table)
    if there.get(citus.BESIDE) is not TableKind.DISTRIBUTED:
        yield sql.SQL(
            "SELECT create_distributed_table({}::regclass, {}, colocate_with := 'none', shard_count := {})"
        ).format(citus.BESIDE, COLUMN, shards)
    for table, kind in moving.items():
        if kind is TableKind.DISTRIBUTED and table != citus.BESIDE:
            yield citus.cut(table, beside=citus.BESIDE)
