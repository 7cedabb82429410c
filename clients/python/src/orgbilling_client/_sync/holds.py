"""Credits held while a block runs: captured by it, or released when it is left."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from orgbilling_client._sync.backend import undisturbed
from orgbilling_client._sync.sender import Sender
from orgbilling_client.calls import Call
from orgbilling_client.errors import HoldNotPending, OrgBillingError
from orgbilling_client.holds import RELEASE_SECONDS, release_policy
from orgbilling_client.models.charging import Captured, Hold
from orgbilling_client.requests import charging

logger = logging.getLogger("orgbilling_client")


class HeldCredits:
    """A hold, from the beginning of a block to its end. One thread or task uses it."""

    def __init__(self, sender: Sender, call: Call[Hold]) -> None:
        self._sender, self._call = sender, call
        self._hold: Hold | None = None
        self._capture_unknown = False

    @property
    def hold(self) -> Hold:
        """The hold as the service last told.

        Raises:
            RuntimeError: the block hasn't been entered.
        """
        if self._hold is None:
            raise RuntimeError(
                "The credits are held inside the block: with client.hold(...) as hold:"
            )
        return self._hold

    @property
    def id(self) -> str:
        """The hold's id."""
        return self.hold.id

    @property
    def credits(self) -> int:
        """How many credits were reserved."""
        return self.hold.credits

    @property
    def captured_credits(self) -> int:
        """How many of them were captured."""
        return self.hold.captured_credits

    @property
    def is_pending(self) -> bool:
        """Whether it can still be captured, unless it expires first."""
        return self.hold.status == "pending"

    def capture(
        self,
        credits: int | None = None,
        *,
        final: bool = True,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Captured:
        """Charge what the hold reserves, or a part of it.

        Args:
            credits: at most what is left of the hold; without it, all that is left.
            final: give the rest back; otherwise more can be captured later.
            idempotency_key: without one, each call is a capture of its own.

        Raises:
            HoldNotPending, HoldAmountExceeded: see ``detail``.
            OrgBillingError: where it ``may_have_acted``, the hold isn't released when the block is left: repeat the
                capture with the error's ``idempotency_key`` before the hold expires.
        """
        hold = self.hold
        call = charging.capture(
            hold.id,
            org_id=hold.org_id,
            credits=credits,
            final=final,
            metadata=metadata,
            key=idempotency_key,
        )
        # Until it is answered nobody knows, not even when the task is cancelled here.
        self._capture_unknown = True
        try:
            captured = self._sender._send(call)  # noqa: SLF001 - a part of the client
        except OrgBillingError as error:
            self._capture_unknown = error.may_have_acted
            raise
        self._capture_unknown = False
        self._hold = captured.hold
        return captured

    def release(self) -> Hold:
        """Give back what the hold reserves, before the block is left.

        Raises:
            HoldNotPending: it was captured or has expired.
        """
        hold = self.hold
        call = charging.release(hold.id, org_id=hold.org_id, key=None)
        self._hold = self._sender._send(call)  # noqa: SLF001 - a part of the client
        return self._hold

    def __enter__(self) -> Self:
        self._hold = self._sender._send(self._call)  # noqa: SLF001 - a part of the client
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        hold = self.hold
        if not self.is_pending:
            return
        if self._capture_unknown:
            logger.warning(
                "Hold %s is kept until %s: whether a capture of it was made is not known.",
                hold.id,
                hold.expires_at.isoformat(),
            )
            return
        with undisturbed(RELEASE_SECONDS):
            self._release_at_the_end(hold)

    def _release_at_the_end(self, hold: Hold) -> None:
        call = charging.release(hold.id, org_id=hold.org_id, key=None)
        policy = release_policy(self._sender.retry)
        try:
            self._hold = self._sender._send(call, policy)  # noqa: SLF001 - a part of the client
        except HoldNotPending as settled:
            # It expired meanwhile: nothing is reserved any more.
            self._hold = replace(hold, status=settled.hold_status or hold.status)
        except OrgBillingError as failed:
            logger.warning(
                "Hold %s wasn't released and expires at %s: %s (request %s)",
                hold.id,
                hold.expires_at.isoformat(),
                failed.message,
                failed.request_id,
            )
