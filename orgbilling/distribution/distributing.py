"""Distributes the tables and functions, in one transaction: a process killed in the midst of it has done nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from orgbilling.database import citus
from orgbilling.distribution import catalogue, cluster, spreading
from orgbilling.distribution.errors import CannotDistribute
from orgbilling.distribution.kinds import kinds_of_tables, obstacles
from orgbilling.distribution.placing import place

#: Into how many parts the ledger is cut, unless told otherwise.
SHARDS = 32

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('orgbilling distribute'))"
_PATIENT = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@dataclass(frozen=True, slots=True)
class Done:
    """How many tables and functions were moved."""

    tables: int
    functions: int


def distribute(connection: BaseDatabaseWrapper, *, shards: int, say: Callable[[str], None]) -> Done:
    """Bring every table and function to where the rules want it; what is there already is left alone.

    Args:
        connection: the owner's, to the coordinator. Tables that move are locked until the end.
        shards: into how many parts the ledger is cut, the first time.
        say: told of each table and function that was moved.

    Raises:
        CannotDistribute: with what is in the way; nothing was changed.
    """
    cluster.require_cluster(connection)
    cluster.require_migrated(connection)
    with transaction.atomic(using=connection.alias, durable=True):
        if not catalogue.rows(connection, _ALONE)[0][0]:
            raise CannotDistribute("Somebody else distributes this database at the moment.")
        for setting in _PATIENT:
            citus.run(connection, sql.SQL("SET LOCAL {} = 0").format(sql.Identifier(setting)))
        citus.run(connection, sql.SQL(citus.ONE_BY_ONE))
        tables, functions = catalogue.tables(connection), catalogue.functions(connection)
        found = list(obstacles(tables, functions))
        if found:
            raise CannotDistribute(" ".join(found))
        placed = place(connection, kinds_of_tables(tables, functions), shards)
        for name, table_kind in placed.items():
            say(f"table {name}: {table_kind}")
        spread = spreading.spread(connection)
        for name, function_kind in spread.items():
            say(f"function {name}: {function_kind}")
    return Done(len(placed), len(spread))
