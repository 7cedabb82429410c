"""SQL objects live in numbered files; a migration installs one version of one of them.

A merged file is never edited. A change is the next number and one migration that names it, so that a
reviewer sees the whole object and ``git log`` tells its history.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from orgbilling.database import citus

ROOT = Path(__file__).resolve().parent.parent.parent
#: The orders that give a function by this name the rights that it has now; no row without SECURITY DEFINER.
_RIGHTS = """
    SELECT ARRAY[format('ALTER FUNCTION public.%%I SECURITY DEFINER', p.proname)]
        || ARRAY(SELECT format('ALTER FUNCTION public.%%I SET %%s = %%L', p.proname, split_part(c, '=', 1),
                               substr(c, strpos(c, '=') + 1))
                 FROM unnest(p.proconfig) c WHERE c NOT LIKE 'search_path=%%')
        || ARRAY(SELECT format('ALTER FUNCTION public.%%I SET search_path = %%s', p.proname, substr(c, 13))
                 FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%%')
        || format('REVOKE ALL ON FUNCTION public.%%I FROM PUBLIC', p.proname)
        || ARRAY(SELECT format('GRANT EXECUTE ON FUNCTION public.%%I TO %%I', p.proname, r.rolname)
                 FROM aclexplode(p.proacl) a JOIN pg_roles r ON r.oid = a.grantee)
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = %s AND p.prosecdef
"""
_THERE = (
    "SELECT count(*) = 1 FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = %s"
)
#: A statement about one trigger, and the table that it is on.
_TRIGGER = re.compile(
    r"(?:CREATE(?: CONSTRAINT)?|DROP) TRIGGER [^;]*?\sON\s+(?:public\.)?(\w+)[^;]*;"
)
DROP = {"functions": "DROP FUNCTION", "views": "DROP VIEW", "triggers": "DROP FUNCTION"}


def path_of(app: str, kind: str, name: str, version: int) -> Path:
    """Where version ``version`` of an object is kept."""
    return ROOT / app / "sql" / kind / f"{name}_v{version:02d}.sql"


class InstallSql(migrations.RunSQL):
    """Install one version of a function, view or trigger, and put the former one back when reversed.

    Args:
        app: the app's folder.
        kind: ``functions``, ``views`` or ``triggers``.
        name: the object's name, which is the file's name without its number.
        version: the file's number.
        drop: what ``DROP FUNCTION`` or ``DROP VIEW`` needs to name this version (with argument types).
        replaces: the same of the former version, when the argument list or the view's columns changed;
            ``CREATE OR REPLACE`` would make an overload or be refused.
    """

    def __init__(
        self, app: str, kind: str, name: str, *, version: int = 1, drop: str, replaces: str = ""
    ) -> None:
        self.source = (app, kind, name, version)
        former = path_of(app, kind, name, version - 1).read_text() if version > 1 else ""
        cascade = " CASCADE" if kind == "triggers" else ""
        ahead = f"{DROP[kind]} {replaces}{cascade};\n" if replaces else ""
        back = f"{DROP[kind]} {drop}{cascade};\n" if replaces or not former else ""
        super().__init__(
            sql=ahead + path_of(app, kind, name, version).read_text(), reverse_sql=back + former
        )
        self._drop, self._replaces = drop, replaces

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        """Install it, and leave what ``create_roles`` made of the former version."""
        with self._rights_kept(schema_editor), self._fitting(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        """Put the former version back, likewise."""
        with self._rights_kept(schema_editor), self._fitting(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    @contextmanager
    def _fitting(self, schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
        """Without the triggers of tables that Citus has spread over machines: it knows none there."""
        spread = (
            citus.spread_tables(schema_editor.connection)
            if self.source[1] == "triggers" and not schema_editor.collect_sql
            else set()
        )
        whole = self.sql, self.reverse_sql
        self.sql, self.reverse_sql = (
            _TRIGGER.sub(lambda found: "" if found[1] in spread else found[0], str(text))
            for text in whole
        )
        yield
        self.sql, self.reverse_sql = whole

    @contextmanager
    def _rights_kept(self, schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
        """A function replaced under a running service keeps its rights, in the same transaction.

        ``CREATE OR REPLACE`` forgets SECURITY DEFINER, and a function that is dropped and made again is everybody's.
        """
        if schema_editor.collect_sql:
            yield
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_RIGHTS, [self.source[2]])
            kept = cursor.fetchall()
            yield
            for orders in kept:
                cursor.execute(_THERE, [self.source[2]])
                if cursor.fetchone()[0]:
                    for order in orders[0]:
                        cursor.execute(order)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """The operation as a migration would write it."""
        app, kind, name, version = self.source
        kwargs: dict[str, Any] = {"version": version, "drop": self._drop}
        if self._replaces:
            kwargs["replaces"] = self._replaces
        return self.__class__.__name__, [app, kind, name], kwargs

    def describe(self) -> str:
        """One line for ``migrate --plan``."""
        app, kind, name, version = self.source
        return f"Install {app}/sql/{kind}/{name}, version {version}"
