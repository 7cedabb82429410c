"""Where requests are tried one by one: each meets the same database, and each is judged by what it left behind.

All of it happens in the test's transaction. What succeeds is undone; what is refused is kept, so that
anything it wrote is found. Inside, statements behave as they do in production, where each commits by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

State = dict[str, tuple[int, int]]
Judge = Callable[[Any], str | None]
Done = Callable[[Any], bool]

#: Written by requests that are refused as well: a session's own row, counts of requests, and who was refused what.
NOT_COUNTED: Final = frozenset({"django_session", "rate_counters", "credit_refusals"})
#: Refusals that are kept for their key.
STORED: Final = frozenset({402})
#: What a page or a problem never says.
TRACES: Final = (b"Traceback (most recent call last)", b"psycopg.", b'File "/')
_OF_TRANSACTIONS: Final = ("SAVEPOINT", "RELEASE", "ROLLBACK")


def succeeded(answer: Any) -> bool:
    """Whether an answer of the API says that something was done, or stored for its key."""
    return answer.status_code < 400 or answer.status_code in STORED


def led_on(answer: Any) -> bool:
    """Whether a page's form was done: the browser is led on, and shown the form again otherwise."""
    return 300 <= answer.status_code < 400


class Room:
    """Sends requests and collects what is wrong with their answers, so that one run tells all of it.

    `wrong` maps what was asked to what is wrong; `asked` and `done` count.
    """

    def __init__(self) -> None:
        self.wrong: dict[tuple[str, ...], str] = {}
        self.asked = self.done = 0
        self._before = state()

    def ask(self, send: Callable[[], Any], judge: Judge, *what: str, done: Done = succeeded) -> Any:
        """Send one request, judge its answer, and undo what it did if it was `done`; the answer."""
        self.asked += 1
        block = transaction.atomic()
        # As TestCase marks its own, so that a durable block may begin inside.
        block._from_testcase = True
        with block, autocommitting():
            answer = send()
            complaint = common(answer) or judge(answer)
            if done(answer):
                complaint = complaint or unsettled()
                transaction.set_rollback(True)
        self.done += done(answer)
        if complaint:
            self.wrong[tuple(one[:80] for one in what)] = f"{answer.status_code}: {complaint}"
        return answer

    def nothing_written(self, *what: str) -> None:
        """Complain of what the refused requests since the last time have written."""
        after = state()
        if after != self._before:
            changed = [name for name in after if after[name] != self._before.get(name)]
            self.wrong[what] = f"refused, and wrote to {', '.join(changed)}"
        self._before = after

    def __str__(self) -> str:
        shown = list(self.wrong.items())[:40]
        lines = [f"{len(self.wrong)} of {self.asked} answers are wrong:"]
        return "\n".join([*lines, *(f"  {' | '.join(what)} -> {why}" for what, why in shown)])


def common(answer: Any) -> str | None:
    """What is wrong with any answer."""
    if answer.status_code >= 500:
        return f"a failure: {getattr(answer, 'content', b'')[:200]!r}"
    if "X-Injected" in answer.headers:
        return "a header of the caller's making"
    if not answer.streaming and any(trace in answer.content for trace in TRACES):
        return "says what went on inside"
    return None


def unsettled() -> str | None:
    """What a commit would have refused."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError as exc:
        return f"would fail at its commit: {exc}"
    return None


@contextmanager
def autocommitting() -> Iterator[None]:
    """Let a statement outside of the code's own transactions fail by itself, without what came before it."""
    depth = len(connection.savepoint_ids)

    def by_itself(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        inside = len(connection.savepoint_ids) > depth
        if inside or str(sql).startswith(_OF_TRANSACTIONS):
            return execute(sql, params, many, context)
        with transaction.atomic():
            return execute(sql, params, many, context)

    with connection.execute_wrapper(by_itself):
        yield


def state() -> State:
    """Of each table, how many versions of rows it holds and which: no write leaves it as it was."""
    tables = sorted(set(connection.introspection.table_names()) - NOT_COUNTED)
    name = connection.ops.quote_name
    versions = (
        f"SELECT '{table}', count(*), coalesce(sum(hashtext(t.xmin::text || t.ctid::text)), 0)"
        f" FROM {name(table)} t"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(versions))
        return {table: (count, found) for table, count, found in cursor.fetchall()}
