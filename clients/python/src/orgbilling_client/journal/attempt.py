"""One call through a journal, as the steps around its sending: what threads and asyncio share."""

import logging
from typing import Any

from orgbilling_client.calls import Call
from orgbilling_client.errors import (
    ApiError,
    OrgBillingError,
    RateLimited,
    RequestInProgress,
    ServerError,
    TransportError,
)
from orgbilling_client.journal.entries import Deferred, Entry, Kept
from orgbilling_client.journal.errors import JournalConflict, JournalError
from orgbilling_client.journal.store import Journal

logger = logging.getLogger("orgbilling_client.journal")


class Attempt:
    """A call that is kept before it is sent, or when it could not be made, as the journal's mode says."""

    def __init__(self, journal: Journal, call: Call[Any], x_request_id: str) -> None:
        self._journal = journal
        self._kept = kept_of(call, x_request_id)
        self._entry: Entry | None = None
        self._is_new = False

    def begin(self) -> None:
        """Before the call. Raises JournalError when it can't be kept, and nothing should be sent then."""
        if self._journal.write_ahead:
            self._entry, self._is_new = self._journal.keep(self._kept, at_work=True)

    def succeeded(self) -> None:
        """The service has acted."""
        if self._entry is None:
            return
        try:
            self._journal.settle(self._entry)
        except JournalError:
            # The next replay sends it once more, under its key: the service says that it is done.
            logger.warning("A call that was made stays in the journal.", exc_info=True)

    def failed(self, error: OrgBillingError) -> Deferred:
        """The call could not be made, or was refused.

        Raises:
            OrgBillingError: the error, when the service has refused, or when the call can't be kept.
            JournalConflict: another call is kept with this key.
        """
        if undelivered(error):
            return self._deferred(error)
        if self._entry is not None and self._is_new:
            self._journal.settle(self._entry)
        elif self._entry is not None:
            self._journal.refuse(self._entry, str(error), problem_of(error))
        raise error

    def interrupted(self, error: BaseException) -> None:
        """The call was cut short, as by Ctrl-C: what was kept is for the next replay."""
        if self._entry is not None:
            self._journal.put_back(self._entry, repr(error))

    def _deferred(self, error: OrgBillingError) -> Deferred:
        try:
            if self._entry is None:
                entry, _ = self._journal.keep(self._kept, str(error))
            else:
                entry = self._entry
                self._journal.put_back(entry, str(error))
        except JournalConflict:
            raise
        except JournalError as unkept:
            error.add_note(f"It could not be kept either: {unkept}")
            raise error from unkept
        logger.warning("Kept for later: entry %d, key %s: %s", entry.number, entry.key, error)
        return Deferred(entry.number, entry.key, entry.kept_at, error)


def kept_of(call: Call[Any], x_request_id: str) -> Kept:
    """What is kept of a call with a body and a key."""
    if call.body is None or call.key is None:
        message = f"{call.method} {call.path} has no key: it can't be made again."
        raise ValueError(message)
    return Kept(call.path, call.body.decode(), call.key, x_request_id)


def undelivered(error: OrgBillingError) -> bool:
    """Whether the call is still to be made: nobody answered, or nobody who knew the outcome."""
    if isinstance(error, ApiError) and error.code == "":
        # A page of something before the service, as of a gateway that has nowhere to send calls to.
        return True
    return error.may_have_acted or isinstance(
        error, TransportError | ServerError | RateLimited | RequestInProgress
    )


def problem_of(error: OrgBillingError) -> dict[str, Any]:
    """A refusal as data, for whoever looks at it later."""
    if not isinstance(error, ApiError):
        return {"detail": str(error)}
    return {
        "status": error.status,
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "request_id": error.request_id,
        "errors": [{"field": one.field, "detail": one.detail} for one in error.errors],
    }
