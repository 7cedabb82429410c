"""What a journal keeps of a call, and what it tells its caller."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orgbilling_client.calls import BASE


class State(StrEnum):
    """Where an entry stands. One that is delivered is taken off: the service's ledger has it then."""

    PENDING = "pending"
    """To be sent, again and again, until the service answers."""
    REFUSED = "refused"
    """The service said no. It waits for a person, who sends it again or dismisses it."""
    DISMISSED = "dismissed"
    """A person decided that it is never sent; it stays as evidence."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A POST that can be sent again at any time: byte for byte, and under the same key."""

    path: str
    body: str
    key: str
    x_request_id: str

    @property
    def operation(self) -> str:
        """What it does: ``deduct``, ``refund`` or ``capture``."""
        return self.path.rpartition("/")[2]

    @property
    def document(self) -> dict[str, Any]:
        """What its body says, and of which usage or hold."""
        named = dict(json.loads(self.body))
        parts = self.path.removeprefix(f"{BASE}/credits/").split("/")
        match parts:
            case ["usage", usage_id, "refund"]:
                named["usage_id"] = usage_id
            case ["holds", hold_id, "capture"]:
                named["hold_id"] = hold_id
            case _:
                pass
        return named


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept call. `reason` and `problem` say what came of the last attempt."""

    number: int
    call: Kept
    state: State
    kept_at: datetime
    attempts: int
    tried_at: datetime | None
    reason: str
    problem: dict[str, Any] | None

    @property
    def key(self) -> str:
        """The idempotency key that it is sent with, each time."""
        return self.call.key


@dataclass(frozen=True, slots=True)
class Deferred:
    """Instead of an answer: the call is on disk, and will be made when the service can be reached.

    The work may go on. `key` is what the call is made with; `error` is what kept it from being made now.
    """

    number: int
    key: str
    kept_at: datetime
    error: Exception = field(compare=False)
