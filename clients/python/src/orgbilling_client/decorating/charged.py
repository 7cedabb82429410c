"""The charge of one call that is being made, as the view itself may see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from orgbilling_client.context import current_request_id
from orgbilling_client.decorating.plan import Cost, Plan
from orgbilling_client.models.charging import Hold, Usage

_current: ContextVar["Charged | None"] = ContextVar("orgbilling_charged", default=None)


class Charged:
    """What was reserved or charged for the call that is being made.

    Attributes:
        hold: the hold, in mode "hold".
        usage: the charge, in mode "deduct".
        paid_before: the caller repeats a request that was made and charged; it isn't charged again.
        next_key: of the charge that stands in for one which another attempt undid.
        deferred: the service could not be reached; the call is charged from the journal once it is made.
    """

    def __init__(self, plan: Plan[Any], cost: Cost, org_id: str, key: str) -> None:
        self.plan, self.cost, self.org_id, self.key = plan, cost, org_id, key
        self.x_request_id = current_request_id()
        self.hold: Hold | None = None
        self.usage: Usage | None = None
        self.paid_before = False
        self.adopted = False
        self.next_key: str | None = None
        self.deferred = False
        self.is_usable = True
        self.credits: int | None = None

    def cost_was(self, credits: int) -> None:
        """Say what the call cost after all: less than was held, or nothing.

        Args:
            credits: 0 to what was held.

        Raises:
            ValueError: it is more than was held, or less than nothing.
            RuntimeError: in mode "deduct" it has been charged already.
        """
        if self.plan.mode != "hold":
            message = "What a call costs can be said afterwards in mode 'hold' only."
            raise RuntimeError(message)
        most = self.cost.credits if self.hold is None else self.hold.credits
        if credits < 0 or (most is not None and credits > most):
            message = f"{credits} credits can't be captured: from 0 to {most} are held."
            raise ValueError(message)
        self.credits = credits

    def repeats(self, *, paid: bool, pending: bool) -> None:
        """The service knew the key: learn from what became of it whether this call needs another one."""
        made = self.hold or self.usage
        recent = made is not None and datetime.now(UTC) - made.created_at <= self.plan.repeat_within
        self.paid_before = paid and recent
        # Another attempt may be at work under it, so it is not for this one to release.
        self.adopted = pending
        self.is_usable = self.paid_before or pending


@contextmanager
def being(charged: Charged) -> Iterator[None]:
    """Let the view find its charge."""
    token = _current.set(charged)
    try:
        yield
    finally:
        _current.reset(token)


def current_charge() -> Charged:
    """The charge of the decorated view that is running.

    Raises:
        LookupError: none is.
    """
    charged = _current.get()
    if charged is None:
        message = "No view that is decorated with @charge is running here."
        raise LookupError(message)
    return charged
