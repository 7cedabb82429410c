"""Ways to take a guard out of a migrated database, or out of the code that a test session has loaded."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from django.db import connection, transaction

from tests.regressions import teeth

#: What a session has altered in memory stays so until the process ends.
kept = ExitStack()


class Alteration(Protocol):
    """One change. `apply` raises when there is nothing to change any more: the guard has moved."""

    def apply(self) -> None: ...


@dataclass(frozen=True)
class Text:
    """A SQL function says something else. Each change is (old, new), wherever `old` stands."""

    function: str
    changes: tuple[tuple[str, str], ...]

    def apply(self) -> None:
        current = teeth.fetch("SELECT pg_get_functiondef(%s::regproc)", f"public.{self.function}")
        teeth.execute(teeth.changed(current, self.changes, self.function))


@dataclass(frozen=True)
class Nth:
    """A SQL function lacks one occurrence of a text, counted from 0."""

    function: str
    text: str
    number: int
    instead: str = ""

    def apply(self) -> None:
        current = teeth.fetch("SELECT pg_get_functiondef(%s::regproc)", f"public.{self.function}")
        parts = current.split(self.text)
        assert len(parts) > self.number + 1, f"{self.function} says {self.text!r} less often"
        before = self.text.join(parts[: self.number + 1])
        teeth.execute(before + self.instead + self.text.join(parts[self.number + 1 :]))


@dataclass(frozen=True)
class Constraint:
    """A constraint, or a unique index, is gone."""

    table: str
    name: str

    def apply(self) -> None:
        kind = teeth.definition_of(self.table, self.name)
        if kind.startswith("CREATE"):
            teeth.execute(f"DROP INDEX {self.name}")
        else:
            teeth.execute(f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name} CASCADE")


@dataclass(frozen=True)
class Trigger:
    """A trigger is gone."""

    table: str
    name: str

    def apply(self) -> None:
        teeth.execute(f"DROP TRIGGER {self.name} ON {self.table}")


@dataclass(frozen=True)
class Python:
    """A function, or a class's method, says something else; the module's path, then `Class.method` or a name."""

    module: str
    name: str
    changes: tuple[tuple[str, str], ...]

    def apply(self) -> None:
        owner = import_module(self.module)
        *classes, name = self.name.split(".")
        for one in classes:
            owner = getattr(owner, one)
        kept.enter_context(teeth.python(owner, name, *self.changes)())


def apply(alterations: Iterator[Alteration] | tuple[Alteration, ...]) -> None:
    """All of them, in one transaction."""
    with transaction.atomic(), connection.cursor():
        for alteration in alterations:
            alteration.apply()
