"""Functions go where the rules want them: a call of the ledger runs whole on the machine that has the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from orgbilling.database import citus
from orgbilling.distribution import catalogue, cluster
from orgbilling.distribution.catalogue import Function
from orgbilling.distribution.kinds import (
    ARGUMENT,
    NESTED,
    PLANNED_ANEW,
    PLANS,
    FunctionKind,
    TableKind,
    called_first,
    kinds_of_functions,
    kinds_of_tables,
    reads_inside,
)


def spread(connection: BaseDatabaseWrapper) -> dict[str, FunctionKind]:
    """Move what isn't where it should be, as what a migration dropped and made anew; return what was moved."""
    functions = catalogue.functions(connection)
    tables = kinds_of_tables(catalogue.tables(connection), functions)
    kinds = kinds_of_functions(functions)
    there = cluster.functions_there(connection)
    moved: dict[str, FunctionKind] = {}
    for function in called_first(functions):
        kind = kinds[function.signature]
        for statement in _statements(function, kind, there, tables):
            citus.run(connection, statement)
            moved[function.name] = kind
    return moved


def _statements(
    function: Function,
    kind: FunctionKind,
    there: Mapping[str, bool],
    tables: Mapping[str, TableKind],
) -> Iterator[sql.Composable]:
    signature = function.signature
    if kind is FunctionKind.DELEGATED and not there.get(signature):
        yield sql.SQL("SELECT create_distributed_function({}, {}, colocate_with := {})").format(
            signature, ARGUMENT, citus.BESIDE
        )
    if kind is FunctionKind.EVERYWHERE and signature not in there:
        yield sql.SQL("SELECT create_distributed_function({})").format(signature)
    if reads_inside(function, kind, tables) and NESTED not in function.settings:
        yield sql.SQL("ALTER FUNCTION {} SET {} = on").format(sql.SQL(signature), sql.SQL(NESTED))
    if kind is FunctionKind.DELEGATED and PLANS not in function.settings:
        yield sql.SQL("ALTER FUNCTION {} SET {} = {}").format(
            sql.SQL(signature), sql.SQL(PLANS), sql.SQL(PLANNED_ANEW)
        )
