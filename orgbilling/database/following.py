"""How far the read replica is behind, measured once a second by a thread, so that a read need not ask.

The lag is a bound by the primary's own clock, so that neither clock has to be right. When the replica has replayed all
that the primary had written a moment before, it was behind by nothing, however long ago the last transaction was.
Otherwise it is behind by no more than the age of the newest transaction that it has replayed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import psycopg
import structlog

from orgbilling.database.watch import Probe

logger = structlog.stdlib.get_logger(__name__)

#: Between two measurements.
PERIOD_SECONDS: Final = 1.0
#: A measurement that is older than this counts for nothing: its thread is stuck, or the machine was.
STALE_SECONDS: Final = 5.0
#: How long either server may take to answer.
SILENCE_SECONDS: Final = 1.5

#: The first digits of a segment's name are its timeline.
PRIMARY: Final = """
SELECT pg_current_wal_flush_lsn()::text, statement_timestamp(),
    (SELECT system_identifier FROM pg_control_system()),
    ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int
"""
REPLICA: Final = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::pg_lsn, pg_last_xact_replay_timestamp(),
    (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint())
"""

Parameters = Callable[[], dict[str, Any]]


class ReplicaSilent(psycopg.OperationalError):
    """It accepts what is sent and says nothing."""


class Standing(Enum):
    """What is known of the replica."""

    UNKNOWN = "unknown"
    FOLLOWING = "following"
    #: It can be read, but is too far behind.
    LAGGING = "lagging"
    #: It is a primary itself, or a copy of something else, or of another history.
    FOREIGN = "foreign"
    #: It doesn't answer, or the primary doesn't, so that nothing can be said.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement. `as_of`: everything that was committed until then is there; None: nobody knows."""

    standing: Standing
    taken: float
    as_of: datetime | None = None
    lag_seconds: float | None = None


class Follower:
    """What is known of the replica now. One that was never started is never read."""

    def __init__(self) -> None:
        self.started = False
        #: Whoever waits for the replica looks here, too: it has fallen silent.
        self.silent = False
        self.measured = Measured(Standing.UNKNOWN, float("-inf"))
        self._max_lag = timedelta()
        self._aside_until = float("-inf")
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def usable(self) -> bool:
        """Whether it may be read at this moment."""
        moment = time.monotonic()
        fresh = moment - self.measured.taken < STALE_SECONDS and moment >= self._aside_until
        return fresh and self.measured.standing is Standing.FOLLOWING

    def set_aside(self) -> None:
        """Leave it alone for two measurements: a read has failed there."""
        self._aside_until = time.monotonic() + 2 * PERIOD_SECONDS

    def start(self, primary: Parameters, replica: Parameters, max_lag_seconds: int) -> None:
        """Begin to measure, in a thread that ends with the process.

        Args:
            primary, replica: return what psycopg connects with.
            max_lag_seconds: who is further behind isn't read.
        """
        if self.started:
            return
        self.started = True
        self._max_lag = timedelta(seconds=max_lag_seconds)
        self._stopped.clear()
        self._thread = threading.Thread(
            target=self._run, args=(primary, replica), name="replica-lag", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread; everything is as if it had never been started."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.started, self.silent, self._thread = False, False, None
        self.measured, self._aside_until = Measured(Standing.UNKNOWN, float("-inf")), float("-inf")

    def await_answer(self) -> None:
        """Nobody waits for a replica: there is the primary."""

    def _run(self, primary: Parameters, replica: Parameters) -> None:
        with contextlib.ExitStack() as opened:
            pair: tuple[Probe, Probe] | None = None
            while not self._stopped.is_set():
                try:
                    if pair is None:
                        pair = _opened(primary, opened), _opened_replica(replica, opened)
                    found, silent = _measure(*pair, self._max_lag), False
                except Exception as error:  # noqa: BLE001 - a thread that ends would leave its last word standing
                    opened.close()
                    pair = None
                    found = Measured(Standing.UNREACHABLE, time.monotonic())
                    silent = isinstance(error, ReplicaSilent)
                    self._say(found, str(error) or "no answer")
                else:
                    self._say(found, "")
                self.measured, self.silent = found, silent
                self._stopped.wait(PERIOD_SECONDS)

    def _say(self, found: Measured, reason: str) -> None:
        if found.standing is self.measured.standing:
            return
        if found.standing is Standing.FOLLOWING:
            logger.warning("replica.in_use", lag_seconds=found.lag_seconds)
        else:
            logger.error(
                "replica.left_alone",
                state=found.standing.value,
                lag_seconds=found.lag_seconds,
                reason=reason,
            )


def _opened(parameters: Parameters, opened: contextlib.ExitStack) -> Probe:
    probe = Probe.opened(parameters(), SILENCE_SECONDS)
    opened.callback(probe.close)
    return probe


def _opened_replica(parameters: Parameters, opened: contextlib.ExitStack) -> Probe:
    try:
        return _opened(parameters, opened)
    except psycopg.errors.ConnectionTimeout as error:
        raise ReplicaSilent(str(error)) from error


def _measure(primary: Probe, replica: Probe, max_lag: timedelta) -> Measured:
    # Before, for the bound is as of its first question.
    taken = time.monotonic()
    written, moment, cluster, timeline = _row(primary.execute(PRIMARY))
    try:
        answer = replica.execute(REPLICA, [written])
    except psycopg.errors._WaitTimeout as error:  # noqa: SLF001
        message = "the replica doesn't answer"
        raise ReplicaSilent(message) from error
    recovering, all_replayed, newest, its_cluster, its_timeline = _row(answer)
    if not recovering or (its_cluster, its_timeline) != (cluster, timeline):
        return Measured(Standing.FOREIGN, taken)
    as_of = moment if all_replayed else newest
    if as_of is None:
        return Measured(Standing.LAGGING, taken)
    lag = max(moment - as_of, timedelta())
    standing = Standing.FOLLOWING if lag <= max_lag else Standing.LAGGING
    return Measured(standing, taken, as_of, lag.total_seconds())


def _row(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:  # pragma: no cover - neither statement has a condition
        message = "no row"
        raise psycopg.DataError(message)
    return row


#: The one of this process.
FOLLOWER = Follower()
