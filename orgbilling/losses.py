"""What going back over migrations would lose: tables with rows, columns with values, and rows that are deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models
from django.db.migrations import AddField, CreateModel, Migration, RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps


def losses(executor: MigrationExecutor, plan: Sequence[tuple[Migration, bool]]) -> list[str]:
    """Each table and column that a plan's backward steps drop although something is in it.

    What a migration itself put there (a catalogue) counts too: it may have been changed since. What is done by
    SQL is not looked into; functions and views hold no data. SQL that deletes rows on the way back says so by its
    hint ``loses``: the table, and the condition.
    """
    backward = [migration for migration, backwards in plan if backwards]
    found: dict[str, str] = {}
    for migration in backward:
        where = f"{migration.app_label}.{migration.name}"
        state = executor.loader.project_state((migration.app_label, migration.name))
        for table, column in _dropped(migration, state.apps):
            name = table if column is None else f"{table}.{column.column}"
            if table not in found and _holds(table, column):
                found[name] = f"{name} ({where})"
        for table, condition in _deleted(migration):
            if table not in found and _any(f"{connection.ops.quote_name(table)} {condition}"):
                found[table] = f"{table} ({where})"
    return list(found.values())


def _dropped(
    migration: Migration, apps: StateApps
) -> Iterator[tuple[str, models.Field[Any, Any] | None]]:
    for operation in reversed(migration.operations):
        if isinstance(operation, CreateModel):
            model = apps.get_model(migration.app_label, operation.name)
            if model._meta.managed:
                yield model._meta.db_table, None
        elif isinstance(operation, AddField):
            model = apps.get_model(migration.app_label, operation.model_name)
            field = model._meta.get_field(operation.name)
            if isinstance(field, models.Field) and not isinstance(field, models.GeneratedField):
                yield model._meta.db_table, field


def _deleted(migration: Migration) -> Iterator[tuple[str, str]]:
    for operation in migration.operations:
        if isinstance(operation, RunSQL) and "loses" in operation.hints:
            yield operation.hints["loses"]


def _holds(table: str, column: models.Field[Any, Any] | None) -> bool:
    quote = connection.ops.quote_name
    if column is None:
        return _any(quote(table))
    name = quote(column.column or column.name)
    return _any(
        f"{quote(table)} WHERE {name} IS NOT NULL AND {name} IS DISTINCT FROM %s",
        column.get_db_prep_save(_default(column), connection),
    )


def _any(rows: str, *values: Any) -> bool:
    with connection.cursor() as cursor:
        # Names of our own models, and conditions of our own migrations.
        cursor.execute(f"SELECT EXISTS (SELECT FROM {rows})", values)  # noqa: S608
        return bool(cursor.fetchone()[0])


def _default(column: models.Field[Any, Any]) -> Any:
    """What a row has that nobody gave a value; None where the database computes it, so that any value counts."""
    if not column.has_db_default():
        return column.get_default()
    given = column.db_default
    if isinstance(given, models.Value):
        return given.value
    return None if hasattr(given, "resolve_expression") else given
