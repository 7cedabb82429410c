"""Making the calls that a journal keeps, in the order in which they were kept."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from orgbilling_client import Client
from orgbilling_client.calls import Call, Repeat
from orgbilling_client.context import request_context
from orgbilling_client.errors import (
    ApiError,
    OrgBillingError,
    RateLimited,
    RequestInProgress,
    ServerError,
    Unauthenticated,
)
from orgbilling_client.journal.attempt import problem_of, undelivered
from orgbilling_client.journal.entries import Entry, Kept
from orgbilling_client.journal.errors import JournalBusy
from orgbilling_client.journal.store import Journal

logger = logging.getLogger("orgbilling_client.journal")

#: Seconds between two replays of the background thread, unless it is told otherwise.
EVERY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    `left` are the calls that are still to be made, and `stopped_by` what kept it from making them: the
    service that can't be reached, or a key that it doesn't know.
    """

    delivered: int
    refused: int
    left: int
    stopped_by: OrgBillingError | None = None


def make(client: Client, kept: Kept) -> None:
    """Make a kept call under its key. However often this is done, the service acts once."""
    call: Call[None] = Call(
        "POST", kept.path, lambda _: None, Repeat.KEYED, body=kept.body.encode(), key=kept.key
    )
    with request_context(kept.x_request_id):
        client._send(call)  # noqa: SLF001 - of this package


def replay(
    journal: Journal, client: Client, *, ended: Callable[[], bool] = lambda: False
) -> Replayed:
    """Make what the journal keeps and nobody is at work on, oldest first.

    What the service has acted on is taken off; what it refuses is kept as refused, with its reason. It
    stops where going on would help nothing: the service can't be reached, or doesn't know the key. May
    be killed at any moment and run again.

    Args:
        ended: asked before each call; true ends the replay there.

    Raises:
        JournalBusy: another process replays this journal at the moment.
        JournalError: the journal can't be read or written.
    """
    delivered = refused = 0
    with journal.alone():
        for entry in journal.due():
            if ended():
                break
            error = _send(journal, client, entry)
            if error is None:
                delivered += 1
            elif _is_final(error):
                refused += 1
            elif _stops_all(error):
                return Replayed(delivered, refused, journal.pending(), error)
    return Replayed(delivered, refused, journal.pending())


class Replayer:
    """A thread that replays a journal every so often; for a service that lives long.

    Start it after a fork, in the process that is to do it. Several processes may have one: they take turns.

    Args:
        every_seconds: from the end of a replay to the next, more than 0.
    """

    def __init__(
        self, journal: Journal, client: Client, every_seconds: float = EVERY_SECONDS
    ) -> None:
        if every_seconds <= 0:
            message = f"every_seconds must be more than 0, not {every_seconds}."
            raise ValueError(message)
        self._journal, self._client, self._every = journal, client, every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orgbilling-journal", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, with a replay at once."""
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """End after the call that is being made; the rest is for the next start.

        Args:
            timeout: seconds to wait for that at most.
        """
        self._ended.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            self._replay()
            if self._ended.wait(self._every):
                return

    def _replay(self) -> None:
        try:
            done = replay(self._journal, self._client, ended=self._ended.is_set)
        except JournalBusy:
            return
        except Exception:
            # Whatever it is, the entries are on disk, and the thread is here for the next try.
            logger.exception("The journal can't be replayed.")
            return
        if done.delivered or done.refused:
            logger.info(
                "Replayed: %d delivered, %d refused, %d left",
                done.delivered,
                done.refused,
                done.left,
            )
        if done.stopped_by is not None:
            logger.warning("%d calls wait in the journal: %s", done.left, done.stopped_by)


def _send(journal: Journal, client: Client, entry: Entry) -> OrgBillingError | None:
    """Make one call and write down what came of it, which is returned unless it is done."""
    try:
        make(client, entry.call)
    except OrgBillingError as error:
        if _is_final(error):
            journal.refuse(entry, str(error), problem_of(error))
            logger.error(  # noqa: TRY400 - the refusal is the news, not where it was raised
                "A kept call was refused: entry %d, key %s: %s", entry.number, entry.key, error
            )
        else:
            journal.put_back(entry, str(error))
        return error
    except BaseException as error:
        journal.put_back(entry, repr(error))
        raise
    journal.settle(entry)
    return None


def _is_final(error: OrgBillingError) -> bool:
    """Whether the service has decided: the same call would be refused again."""
    return (
        isinstance(error, ApiError)
        and not undelivered(error)
        and not isinstance(error, Unauthenticated)
    )


def _stops_all(error: OrgBillingError) -> bool:
    """Whether the next call would meet the same. A single failing call must not hold up the others."""
    if isinstance(error, RequestInProgress):
        return False
    if isinstance(error, ServerError):
        return error.status != 500
    # A gateway's page may be about this one call, as of a firewall that dislikes what its metadata says.
    return not _is_page(error) or isinstance(error, RateLimited | Unauthenticated)


def _is_page(error: OrgBillingError) -> bool:
    return isinstance(error, ApiError) and error.code == ""
