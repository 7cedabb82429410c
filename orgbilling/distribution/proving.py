"""Whether a distributed database is what the rules want, and whether each call of the ledger is one remote command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from orgbilling.database import citus
from orgbilling.database.citus import COLUMN
from orgbilling.distribution import catalogue, cluster
from orgbilling.distribution.catalogue import Function, rows
from orgbilling.distribution.kinds import (
    NESTED,
    PLANS,
    FunctionKind,
    TableKind,
    kinds_of_functions,
    kinds_of_tables,
    obstacles,
    reads_inside,
)
from orgbilling.lib.ids import uuid7

#: How Citus calls a plan whose tasks run on other nodes.
REMOTE = "Custom Scan (Citus Adaptive)"

_KEYS_WITHOUT = """
    SELECT i.indexrelid::regclass::text FROM pg_index i
    WHERE i.indrelid = %s::regclass AND i.indisunique AND NOT EXISTS (
        SELECT FROM unnest(i.indkey) k JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k
        WHERE a.attname = %s)
"""
_GROUPS = "SELECT logicalrelid::regclass::text, colocationid FROM pg_dist_partition WHERE partmethod = 'h'"
_FUNCTION_GROUPS = """
    SELECT o.objid::regprocedure::text, o.colocationid FROM pg_catalog.pg_dist_object o
    WHERE o.classid = 'pg_proc'::regclass AND o.distribution_argument_index IS NOT NULL
"""
_ON_A_WORKER = """
    SELECT p.groupid <> 0 FROM pg_dist_placement p
    WHERE p.shardid = get_shard_id_for_distribution_column(%s::regclass, %s::uuid)
"""
_TYPES = "SELECT proargtypes::regtype[]::text[] FROM pg_proc WHERE oid = %s::regprocedure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``wrong`` is empty when it is as it should be."""

    kind: str
    name: str
    wrong: str = ""


def findings(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    """Everything looked at, in order. Nothing is changed, and no function is run: its plan is asked for.

    Call it outside a transaction, in which Citus delegates nothing.

    Raises:
        CannotDistribute: there is no cluster, or the database isn't migrated.
    """
    cluster.require_cluster(connection)
    cluster.require_migrated(connection)
    tables, functions = catalogue.tables(connection), catalogue.functions(connection)
    table_kinds = kinds_of_tables(tables, functions)
    for obstacle in obstacles(tables, functions):
        yield Finding("rule", obstacle.partition(" ")[0], obstacle)
    yield from _tables(connection, table_kinds)
    yield from _functions(connection, functions, table_kinds)


def _functions(
    connection: BaseDatabaseWrapper, functions: list[Function], tables: dict[str, TableKind]
) -> Iterator[Finding]:
    kinds = kinds_of_functions(functions)
    there = cluster.functions_there(connection)
    beside = dict(rows(connection, _FUNCTION_GROUPS))
    ledger = dict(rows(connection, _GROUPS)).get(citus.BESIDE)
    for function in functions:
        kind, signature = kinds[function.signature], function.signature
        wrong = ""
        if kind is FunctionKind.DELEGATED:
            wrong = _not_delegated(function, there, is_beside=beside.get(signature) == ledger)
            wrong = wrong or _not_remote(connection, function)
        elif kind is FunctionKind.EVERYWHERE:
            wrong = _not_everywhere(function, there, reads=reads_inside(function, kind, tables))
        else:
            continue
        yield Finding("function", f"{function.name}: {kind}", wrong)


def _not_delegated(function: Function, there: dict[str, bool], *, is_beside: bool) -> str:
    if not there.get(function.signature):
        return "isn't delegated: run manage.py distribute"
    if not is_beside:
        return "is delegated beside other tables than the ledger's"
    if PLANS not in function.settings:
        return f"keeps plans that a worker never frees ({PLANS}): run manage.py distribute"
    return ""


def _not_everywhere(function: Function, there: dict[str, bool], *, reads: bool) -> str:
    if function.signature not in there:
        return "isn't on the workers: run manage.py distribute"
    if reads and NESTED not in function.settings:
        return f"may not read inside another statement ({NESTED}): run manage.py distribute"
    return ""


def _tables(connection: BaseDatabaseWrapper, kinds: dict[str, TableKind]) -> Iterator[Finding]:
    there = cluster.tables_there(connection)
    groups = dict(rows(connection, _GROUPS))
    for table, kind in kinds.items():
        wrong = ""
        if there.get(table, TableKind.LOCAL) is not kind:
            wrong = f"is {there.get(table, TableKind.LOCAL)}: run manage.py distribute"
        elif kind is TableKind.DISTRIBUTED:
            without = [name for (name,) in rows(connection, _KEYS_WITHOUT, table, COLUMN)]
            if without:
                wrong = f"has unique keys without {COLUMN}: {', '.join(without)}"
            elif groups[table] != groups.get(citus.BESIDE):
                wrong = f"isn't cut like {citus.BESIDE}"
        yield Finding("table", f"{table}: {kind}", wrong)


def _not_remote(connection: BaseDatabaseWrapper, function: Function) -> str:
    """What is wrong with the plan of a call for an organization whose rows are on another machine."""
    types: list[str] = rows(connection, _TYPES, function.signature)[0][0]
    arguments = [sql.SQL("{}::uuid").format(str(_somebody(connection)))]
    arguments += [sql.SQL("NULL::{}").format(sql.SQL(one)) for one in types[1:]]
    call = sql.SQL("EXPLAIN (COSTS OFF) SELECT * FROM public.{}({})").format(
        sql.Identifier(function.name), sql.SQL(", ").join(arguments)
    )
    with connection.cursor() as cursor:
        cursor.execute(call)
        plan = [line for (line,) in cursor.fetchall()]
    tasks = [line.split(":")[1].strip() for line in plan if "Task Count:" in line]
    if not plan or not plan[0].startswith(REMOTE) or tasks != ["1"]:
        return "isn't one remote command: its plan begins with " + (plan[0] if plan else "nothing")
    return ""


def _somebody(connection: BaseDatabaseWrapper) -> UUID:
    """An id whose rows would be on a worker."""
    while True:
        made = uuid7()
        if rows(connection, _ON_A_WORKER, citus.BESIDE, str(made))[0][0]:
            return made
