"""Whether everything that guards the ledger really is in this database.

What should be there is read from the models and from the migrations' SQL files, so that the list can't
fall behind; what is there is read from PostgreSQL's catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunSQL

from orgbilling.database.citus import spread_tables
from orgbilling.lib.sqlfiles import InstallSql, path_of
from orgbilling.roles.checking import differences, is_used
from orgbilling.roles.names import APPLICATION

TRIGGER = re.compile(
    r"CREATE (?:CONSTRAINT )?TRIGGER (\w+)[^;]*?\sON\s+(?:public\.)?(\w+)", re.DOTALL
)
APPS = ("organizations", "credits", "billing")
POOL_LOCK = re.compile(r"organization_credit_pools[^;]*FOR NO KEY UPDATE")
ALLOCATION_LOCK = re.compile(r"user_credit_allocations[^;]*FOR NO KEY UPDATE")
#: The functions that lock the pool, then the allocation; and the one that must never lock the pool.
POOL_THEN_ALLOCATION = (
    "allocate_credits_to_user",
    "capture_hold",
    "change_reset_period",
    "close_allocation",
    "deduct_batch_with_pool",
    "deduct_credits_with_pool",
    "place_hold_with_pool",
    "reclaim_credits",
    "refund_usage",
    "release_hold",
    "settle_due",
)
ALLOCATION_ONLY = ("deduct_batch", "deduct_credits", "deduct_many", "place_hold")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for. ``wrong`` is empty when it is in place."""

    kind: str
    name: str
    wrong: str = ""


def findings(app_role: str = APPLICATION) -> Iterator[Finding]:
    """Everything looked for, in order, each with what is wrong about it.

    ``app_role``: the role that the service connects as, where ``create_roles`` has separated them.
    """
    files = _installed_files()
    yield from _tables()
    yield from _functions(files)
    yield from _views(files)
    yield from _constraints()
    yield from _indexes()
    yield from _generated_columns()
    yield from _triggers(files)
    yield from _locking()
    if is_used(app_role):
        for name, wrong in differences(app_role):
            yield Finding("grant", name, wrong)


def _tables() -> Iterator[Finding]:
    there = _names("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for model in _models():
        yield _present("table", model._meta.db_table, there)


def _functions(files: dict[tuple[str, str, str], int]) -> Iterator[Finding]:
    bodies = _bodies()
    for (app, kind, name), version in sorted(files.items()):
        if kind == "views":
            continue
        if name not in bodies:
            yield Finding("function", name, "missing")
        elif _body_of_file(app, kind, name, version) not in bodies[name]:
            yield Finding(
                "function", name, f"differs from {app}/sql/{kind}/{name}_v{version:02d}.sql"
            )
        elif len(bodies[name]) > 1:
            yield Finding("function", name, "overloaded: an older argument list is still there")
        else:
            yield Finding("function", name)


def _views(files: dict[tuple[str, str, str], int]) -> Iterator[Finding]:
    there = _names("SELECT viewname FROM pg_views WHERE schemaname = 'public'")
    for _app, kind, name in sorted(files):
        if kind == "views":
            yield _present("view", name, there)


def _constraints() -> Iterator[Finding]:
    rows = _rows(
        "SELECT conname, convalidated FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " UNION ALL SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace"
    )
    state: dict[str, bool] = {}
    for name, valid in rows:
        state[name] = state.get(name, True) and valid
    for name in _expected_constraints():
        wrong = "missing" if name not in state else "" if state[name] else "not validated"
        yield Finding("constraint", name, wrong)


def _indexes() -> Iterator[Finding]:
    valid = dict(
        _rows(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relnamespace = 'public'::regnamespace"
        )
    )
    for model in _models():
        for index in model._meta.indexes:
            wrong = (
                "missing" if index.name not in valid else "" if valid[index.name] else "not valid"
            )
            yield Finding("index", index.name, wrong)


def _generated_columns() -> Iterator[Finding]:
    there = _names(
        "SELECT table_name || '.' || column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND is_generated = 'ALWAYS'"
    )
    for model in _models():
        for column in model._meta.fields:
            if isinstance(column, models.GeneratedField):
                yield _present("generated column", f"{model._meta.db_table}.{column.column}", there)


def _triggers(files: dict[tuple[str, str, str], int]) -> Iterator[Finding]:
    enabled = dict(_rows("SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal"))
    spread = spread_tables(connection)
    for (app, kind, name), version in sorted(files.items()):
        if kind != "triggers":
            continue
        text = path_of(app, kind, name, version).read_text()
        for trigger, table in TRIGGER.findall(text):
            if table in spread:
                # Citus has no trigger there; what the application may do is looked at below.
                continue
            wrong = (
                "missing"
                if trigger not in enabled
                else ""
                if enabled[trigger] == "O"
                else "disabled"
            )
            yield Finding("trigger", trigger, wrong)


def _locking() -> Iterator[Finding]:
    bodies = {name: " ".join(found) for name, found in _bodies().items()}
    for name in POOL_THEN_ALLOCATION:
        pool = POOL_LOCK.search(bodies.get(name, ""))
        allocation = ALLOCATION_LOCK.search(bodies.get(name, ""))
        ordered = pool is not None and allocation is not None and pool.start() < allocation.start()
        yield Finding(
            "locking", f"{name}: pool, then allocation", "" if ordered else "not in this order"
        )
    for name in ALLOCATION_ONLY:
        free = POOL_LOCK.search(bodies.get(name, "")) is None
        yield Finding("locking", f"{name}: never the pool", "" if free else "locks the pool")


def _models() -> list[type[models.Model]]:
    return [
        model
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed
    ]


def _expected_constraints() -> Iterator[str]:
    for model in _models():
        for constraint in model._meta.constraints:
            yield constraint.name
    for operation in _operations():
        if isinstance(operation, RunSQL) and not isinstance(operation, InstallSql):
            yield from re.findall(r"ADD CONSTRAINT (\w+)", str(operation.sql))


def _installed_files() -> dict[tuple[str, str, str], int]:
    """The newest version of every SQL file that a migration installs."""
    newest: dict[tuple[str, str, str], int] = {}
    for operation in _operations():
        if isinstance(operation, InstallSql):
            app, kind, name, version = operation.source
            newest[app, kind, name] = max(version, newest.get((app, kind, name), 0))
    return newest


def _operations() -> Iterator[Any]:
    for (app, _name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        if app in APPS:
            yield from migration.operations


def _bodies() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, body in _rows(
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ):
        found.setdefault(name, []).append(body)
    return found


def _body_of_file(app: str, kind: str, name: str, version: int) -> str:
    match = re.search(
        r"AS \$\$(.*?)\$\$;", path_of(app, kind, name, version).read_text(), re.DOTALL
    )
    return match[1] if match else ""


def _present(kind: str, name: str, there: set[str]) -> Finding:
    return Finding(kind, name, "" if name in there else "missing")


def _names(sql: str) -> set[str]:
    return {row[0] for row in _rows(sql)}


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
