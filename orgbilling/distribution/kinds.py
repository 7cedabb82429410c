"""Where each table and each function belongs, decided by rules, so that a new one needs no entry in a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from orgbilling.database.citus import COLUMN
from orgbilling.distribution.catalogue import Function, Table

#: The argument that says whose call it is; functions that begin with it are run where the organization's rows are.
ARGUMENT = "p_org_id"
#: Of these every row names an organization, and yet each machine has all rows, for the reason given.
WHOLE = {
    "organization_members": "each request asks which organizations a person is in: by person, not by organization",
}
#: Lets a function that is called inside a statement about one shard read a reference table, whole on every machine; and
#: keeps PostgreSQL from making it part of the statement that calls it: Citus refuses that where there are parameters.
NESTED = "citus.allow_nested_distributed_execution"
#: What delegated functions run under: Citus 14 adds a shard's plan to a statement's cached plan at each execution, and
#: never finds it again: some 100 KB a charge in each session of a worker. A plan that is made anew is also freed.
PLANS, PLANNED_ANEW = "plan_cache_mode", "force_custom_plan"

_WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+public\.(\w+)")
_NAMES = re.compile(r"\bpublic\.(\w+)\b")


class TableKind(StrEnum):
    """Where a table's rows are."""

    DISTRIBUTED = "distributed"
    REFERENCE = "reference"
    LOCAL = "local"


class FunctionKind(StrEnum):
    """Where a function runs."""

    DELEGATED = "delegated"
    EVERYWHERE = "everywhere"
    COORDINATOR = "coordinator"
    TRIGGER = "trigger"


def kinds_of_tables(tables: Iterable[Table], functions: Iterable[Function]) -> dict[str, TableKind]:
    """Decide for each table.

    Distributed: every row names its organization, and so does every unique key, without which no machine could
    hold it alone. Reference, whole on every machine: what distributed and reference tables name in foreign keys, and
    what the ledger's functions read. Local, on the coordinator alone: the rest.
    """
    functions = list(functions)
    by_name = {table.name: table for table in tables}
    kinds: dict[str, TableKind] = {
        name: TableKind.DISTRIBUTED
        for name, table in by_name.items()
        if table.belongs and name not in WHOLE and all(COLUMN in key for key in table.keys)
    }
    wanted = set(WHOLE).union(*(by_name[name].targets for name in kinds))
    inside = kinds_of_functions(functions)
    for function in functions:
        if inside[function.signature] in {FunctionKind.DELEGATED, FunctionKind.EVERYWHERE}:
            wanted.update(_NAMES.findall(function.body))
    while wanted:
        name = wanted.pop()
        if name in by_name and name not in kinds:
            kinds[name] = TableKind.REFERENCE
            wanted |= by_name[name].targets
    return {name: kinds.get(name, TableKind.LOCAL) for name in by_name}


def kinds_of_functions(functions: Iterable[Function]) -> dict[str, FunctionKind]:
    """Decide for each function, by its signature.

    Delegated: it begins with the organization. Everywhere: a delegated one calls it. Coordinator: the rest, such as
    what charges several organizations in one call.
    """
    functions = list(functions)
    kinds = {f.signature: FunctionKind.COORDINATOR for f in functions}
    by_name: dict[str, list[Function]] = {}
    for function in functions:
        by_name.setdefault(function.name, []).append(function)
        if function.is_trigger:
            kinds[function.signature] = FunctionKind.TRIGGER
        elif function.first == ARGUMENT:
            kinds[function.signature] = FunctionKind.DELEGATED
    reached = [f for f in functions if kinds[f.signature] is FunctionKind.DELEGATED]
    while reached:
        for name in _NAMES.findall(reached.pop().body):
            for called in by_name.get(name, []):
                if kinds[called.signature] is FunctionKind.COORDINATOR:
                    kinds[called.signature] = FunctionKind.EVERYWHERE
                    reached.append(called)
    return kinds


def called_first(functions: Iterable[Function]) -> Iterator[Function]:
    """The same functions, each after those that it calls: one in SQL can only be made when they are there."""
    waiting = {function.name: function for function in functions}

    def reach(name: str) -> Iterator[Function]:
        function = waiting.pop(name, None)
        if function is not None:
            for called in _NAMES.findall(function.body):
                yield from reach(called)
            yield function

    for name in list(waiting):
        yield from reach(name)


def reads_inside(
    function: Function, kind: FunctionKind, table_kinds: Mapping[str, TableKind]
) -> bool:
    """Whether the function is called by delegated ones and reads a reference table (see ``NESTED``)."""
    return kind is FunctionKind.EVERYWHERE and any(
        table_kinds.get(name) is TableKind.REFERENCE for name in _NAMES.findall(function.body)
    )


def obstacles(tables: Iterable[Table], functions: Iterable[Function]) -> Iterator[str]:
    """What the rules of the schema forbid and would go wrong on many machines, each in a sentence."""
    tables, functions = list(tables), list(functions)
    table_kinds = kinds_of_tables(tables, functions)
    function_kinds = kinds_of_functions(functions)
    for function in functions:
        if function_kinds[function.signature] is not FunctionKind.DELEGATED:
            continue
        for name in sorted(set(_WRITES.findall(function.body))):
            if table_kinds.get(name, TableKind.DISTRIBUTED) is not TableKind.DISTRIBUTED:
                yield (
                    f"{function.name} writes {name}, which can't be distributed: give each of its rows an {COLUMN} "
                    f"that is not null, and begin each of its unique keys with it."
                )
    for table in tables:
        for target in sorted(table.targets):
            if (
                table_kinds[table.name] is not TableKind.DISTRIBUTED
                and table_kinds[target] is TableKind.DISTRIBUTED
            ):
                yield (
                    f"{table.name} is on every machine or on one, and a foreign key of it names {target}, which is "
                    f"cut by organization: give {table.name} an {COLUMN} that is not null, or drop the foreign key."
                )
