"""A pooled connection that stops waiting once the server is known to be silent."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self

import psycopg
from psycopg.abc import RV, PQGen

from orgbilling.database.errors import NotSent, ServerSilent
from orgbilling.database.following import FOLLOWER
from orgbilling.database.watch import WATCH


class Hears(Protocol):
    """Whoever knows whether the server says anything."""

    started: bool
    silent: bool

    def await_answer(self) -> None:
        """Return once it makes sense to connect."""


class WatchedConnection(psycopg.Connection[Any]):
    """Waits as long as the server is heard by anybody; without a watch, as long as it takes."""

    watch: ClassVar[Hears] = WATCH

    @classmethod
    def connect(cls, conninfo: str = "", **parameters: Any) -> Self:
        """Connect, as soon as the server is there."""
        if cls.watch.started:
            cls.watch.await_answer()
        return super().connect(conninfo, **parameters)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Run a statement, a commit or whatever else the generator does.

        Raises:
            NotSent: the server was silent before.
            ServerSilent: it has fallen silent; the connection is closed, for its answer would come too late.
        """
        if not self.watch.started:
            return super().wait(gen, interval, timeout)
        if self.watch.silent:
            gen.close()
            raise NotSent("the database doesn't answer")
        try:
            return super().wait(_while_heard(gen, self.watch), interval, timeout)
        except ServerSilent:
            self.pgconn.finish()
            raise


class ReplicaConnection(WatchedConnection):
    """The same, to the read replica."""

    watch: ClassVar[Hears] = FOLLOWER


def _while_heard(gen: PQGen[RV], watch: Hears) -> PQGen[RV]:
    """The same, but it ends when nothing has come for an interval and the watch hears nothing either."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and watch.silent:
                raise ServerSilent("the database has stopped answering")
            wanted = gen.send(ready)
    except StopIteration as end:
        result: RV = end.value
        return result
