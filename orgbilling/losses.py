"""What going back over migrations would lose: tables with rows, and columns with values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models
from django.db.migrations import AddField, CreateModel, Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps


def losses(executor: MigrationExecutor, plan: Sequence[tuple[Migration, bool]]) -> list[str]:
    """Each table and column that a plan's backward steps drop although something is in it.

    What a migration itself put there (a catalogue) counts too: it may have been changed since. What is done by
    SQL is not looked into; functions and views hold no data.
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


def _holds(table: str, column: models.Field[Any, Any] | None) -> bool:
    quote = connection.ops.quote_name
    query = f"SELECT EXISTS (SELECT FROM {quote(table)}"  # noqa: S608 - names of our own models
    values = []
    if column is not None:
        name = quote(column.column or column.name)
        query += f" WHERE {name} IS NOT NULL AND {name} IS DISTINCT FROM %s"
        values.append(column.get_db_prep_save(_default(column), connection))
    with connection.cursor() as cursor:
        cursor.execute(query + ")", values)
        return bool(cursor.fetchone()[0])


def _default(column: models.Field[Any, Any]) -> Any:
    """What a row has that nobody gave a value; None where the database computes it, so that any value counts."""
    if not column.has_db_default():
        return column.get_default()
    given = column.db_default
    if isinstance(given, models.Value):
        return given.value
    return None if hasattr(given, "resolve_expression") else given
