"""SQL objects live in numbered files; a migration installs one version of one of them.

A merged file is never edited. A change is the next number and one migration that names it, so that a
reviewer sees the whole object and ``git log`` tells its history.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import migrations

ROOT = Path(__file__).resolve().parent.parent.parent
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
