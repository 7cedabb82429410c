"""Guards taken away, one at a time: a regression test is worth what it says once its guard is gone.

`guarded_by` names the guards of a fault. The test then runs whole; with each guard alone, the others
taken away, when there are several; and with none, where it has to fail.
"""

import __future__

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from orgbilling.lib.sqlfiles import ROOT
from orgbilling.web import views

Guard = Callable[[], Any]
Change = tuple[str, str]


def guarded_by(**guards: Guard) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run the test whole, held by each guard alone, and unguarded, where it must fail."""
    cases = {"whole": ((), True)}
    if len(guards) > 1:
        for name in guards:
            cases[f"only_{name}"] = (tuple(other for other in guards if other != name), True)
    cases["unguarded"] = (tuple(guards), False)

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        def test(gone: tuple[str, ...], holds: bool, **fixtures: Any) -> None:
            with ExitStack() as stack:
                # A serializer that validates for all requests was made with its guards on.
                stack.callback(views._made.cache_clear)
                for name in gone:
                    stack.enter_context(guards[name]())
                views._made.cache_clear()
                if holds:
                    check(**fixtures)
                else:
                    must_fail(lambda: check(**fixtures))

        own = inspect.signature(check)
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in ("gone", "holds")
        ]
        test.__signature__ = own.replace(parameters=[*own.parameters.values(), *added])
        test.__name__, test.__doc__ = check.__name__, check.__doc__
        test.__module__, test.__qualname__ = check.__module__, check.__qualname__
        test.pytestmark = list(getattr(check, "pytestmark", []))
        return pytest.mark.parametrize(("gone", "holds"), cases.values(), ids=cases.keys())(test)

    return decorate


def must_fail(check: Callable[[], None]) -> None:
    """Fail unless the check does."""
    try:
        check()
    except (AssertionError, pytest.fail.Exception):
        return
    pytest.fail("Its guard is gone and the check still passes: it has no teeth.")


def execute(sql: str, *args: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)


def fetch(sql: str, *args: Any) -> Any:
    """The first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        row = cursor.fetchone()
    return row[0] if row else None


def both(*guards: Guard) -> Guard:
    """Guards that only go together."""

    @contextmanager
    def gone() -> Iterator[None]:
        with ExitStack() as stack:
            for guard in guards:
                stack.enter_context(guard())
            yield

    return gone


def changed(text: str, changes: tuple[Change, ...], what: str) -> str:
    for old, new in changes:
        assert old in text, f"{what} doesn't say {old!r} any more: its guard has moved"
        text = text.replace(old, new)
    return text


def sql(function: str, *changes: Change) -> Guard:
    """A SQL function as it would be without a guard; put back from its file afterwards."""

    @contextmanager
    def gone() -> Iterator[None]:
        current = fetch("SELECT pg_get_functiondef(%s::regproc)", f"public.{function}")
        execute(changed(current, changes, function))
        try:
            yield
        finally:
            if not connection.in_atomic_block:
                execute(newest("functions", function).read_text())

    return gone


def newest(kind: str, name: str) -> Path:
    """The file of the newest version of a SQL object."""
    return max(ROOT.glob(f"*/sql/{kind}/{name}_v*.sql"))


def view(name: str, *changes: Change) -> Guard:
    """A view as it would be without a guard; for tests in one transaction, which is rolled back."""

    @contextmanager
    def gone() -> Iterator[None]:
        assert connection.in_atomic_block
        text = changed(newest("views", name).read_text(), changes, name)
        execute(f"DROP VIEW public.{name}")
        execute(text)
        yield

    return gone


def constraint(table: str, *names: str) -> Guard:
    """Constraints or unique indexes dropped; put back, on emptied tables, unless rolled back."""

    @contextmanager
    def gone() -> Iterator[None]:
        settle()
        definitions = [definition_of(table, name) for name in names]
        for name, definition in zip(names, definitions, strict=True):
            if definition.startswith("CREATE"):
                execute(f"DROP INDEX {name}")
            else:
                execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            if not connection.in_atomic_block:
                empty_tables()
                for definition in definitions:
                    execute(definition)

    return gone


def definition_of(table: str, name: str) -> str:
    """The statement that makes a constraint or an index."""
    body = fetch(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass "
        "AND conname = %s",
        table,
        name,
    )
    if body is not None:
        return f"ALTER TABLE {table} ADD CONSTRAINT {name} {body}"
    index = fetch("SELECT pg_get_indexdef(%s::regclass)", name)
    assert index is not None, f"{table} has no {name}"
    return str(index)


def trigger(table: str, *names: str) -> Guard:
    """Triggers that don't fire; for tests in one transaction, which is rolled back."""

    @contextmanager
    def gone() -> Iterator[None]:
        assert connection.in_atomic_block
        settle()
        for name in names:
            execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        yield

    return gone


def settle() -> None:
    """Let deferred checks happen now: PostgreSQL alters no table with some pending."""
    if connection.in_atomic_block:
        execute("SET CONSTRAINTS ALL IMMEDIATE")


def empty_tables() -> None:
    """Everything but the catalogues, in a database that only this test uses."""
    with transaction.atomic():
        execute("SELECT set_config('orgbilling.truncate', 'allowed', true)")
        execute("TRUNCATE organizations, users CASCADE")


def python(owner: Any, name: str, *changes: Change) -> Guard:
    """A Python function or method as its source would be without a guard."""

    @contextmanager
    def gone() -> Iterator[None]:
        original = inspect.getattr_static(owner, name)
        function = inspect.unwrap(getattr(original, "__func__", original))
        source = changed(textwrap.dedent(inspect.getsource(function)), changes, name)
        # super() without arguments looks for the class where the function was made.
        made = f"def make(__class__):\n{textwrap.indent(source, '    ')}\n    return {name}\n"
        flags, scope = __future__.annotations.compiler_flag, {}
        code = compile(made, name, "exec", flags, dont_inherit=True)
        # The module's own globals, so that what the test replaces there is replaced here too.
        exec(code, vars(sys.modules[function.__module__]), scope)
        with replaced(owner, name, scope["make"](owner))():
            yield

    return gone


def replaced(owner: Any, name: str, value: Any) -> Guard:
    """An attribute with another value."""

    @contextmanager
    def gone() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, value)
            yield

    return gone
