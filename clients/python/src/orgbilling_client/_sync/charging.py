"""Checking, deducting, holding and refunding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orgbilling_client._sync.holds import HeldCredits
from orgbilling_client._sync.sender import Sender
from orgbilling_client.batches import Batch, BatchResult, Charge
from orgbilling_client.calls import Id
from orgbilling_client.errors import OrgBillingError
from orgbilling_client.models.charging import Captured, Check, Hold, Usage
from orgbilling_client.requests import charging
from orgbilling_client.requests.charging import TTL_SECONDS


class Charging(Sender):
    """What a service does that charges for its work."""

    def check(
        self,
        user_id: Id,
        service: str | None = None,
        credits: int | None = None,
        quantity: int | None = None,
        *,
        org_id: Id | None = None,
    ) -> Check:
        """Ask whether a charge would pass, and what it would cost; nothing is written, and nothing reserved.

        Args:
            service: its name; needed with ``quantity``.
            credits: 1 to 10^15; or else
            quantity: 1 to 10^15 of a service that the price catalogue prices.

        Returns:
            A verdict that is true when the charge would pass; ``why`` says what decides.

        Raises:
            NotAMember, NoAllocation, UnknownService: it can't be asked.
            OrgBillingError: see the errors that every call can raise.
        """
        call = charging.check(
            self._org(org_id), user_id, service=service, credits=credits, quantity=quantity
        )
        return self._send(call)

    def deduct(
        self,
        user_id: Id,
        service: str,
        credits: int | None = None,
        quantity: int | None = None,
        *,
        org_id: Id | None = None,
        service_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Usage:
        """Charge a member, once, however often this call has to be sent.

        Args:
            service: its name, 1 to 100 characters.
            credits: 1 to 10^15; or else
            quantity: 1 to 10^15 of a service that the price catalogue prices.
            metadata: up to 8 KiB of JSON that is kept with the charge.
            request_id: your own name for what is charged, kept with it; it is the key, unless one is given.
            idempotency_key: 1 to 255 visible ASCII characters that stand for this one charge. With one that you can
                make again (an order's or job's id), the charge is made once even when your program dies in between.

        Returns:
            The charge; ``replayed`` is true when an earlier call with the key had made it.

        Raises:
            InsufficientCredits: final for this key; after a top-up use a new one.
            NotAMember, NoAllocation, AllocationInactive, SubscriptionInactive, UnknownService: see ``detail``.
            OrgBillingError: see the errors that every call can raise.
        """
        call = charging.deduct(
            self._org(org_id),
            user_id,
            service,
            credits=credits,
            quantity=quantity,
            service_type=service_type,
            metadata=metadata,
            request_id=request_id,
            key=idempotency_key,
        )
        return self._send(call)

    def deduct_batch(
        self,
        charges: Iterable[Charge],
        atomic: bool = False,  # noqa: FBT001, FBT002 - the one option of a batch
        *,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> BatchResult:
        """Charge many, each for itself; more than 1,000 (or 1 MiB) are sent in several calls, one after the other.

        Args:
            atomic: all or none; then one call has to hold them.
            idempotency_key: repeating the same charges with it charges nothing twice, wherever the first time ended.

        Returns:
            What became of each charge, in the order given. A refusal is an ``error`` there, not raised.

        Raises:
            ValueError: a charge can't be made as it is; nothing was sent.
            ApiError: an atomic batch was refused; ``errors`` names the charge.
            OrgBillingError: a call failed. Repeat the batch with the error's ``idempotency_key``.
        """
        batch = Batch(charges, org_id=self._org(org_id), atomic=atomic, key=idempotency_key)
        for call in batch.calls():
            try:
                self._send(call)
            except OrgBillingError as error:
                batch.explain(error)
                raise
        return batch.result

    def hold(
        self,
        user_id: Id,
        service: str,
        credits: int | None = None,
        quantity: int | None = None,
        *,
        ttl_seconds: int = TTL_SECONDS,
        org_id: Id | None = None,
        service_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HeldCredits:
        """Reserve credits for work whose cost isn't known yet; use it with ``with``.

        The credits are reserved when the block is entered. When it is left, what was not captured is released,
        whether the block ended or failed.

        Args:
            credits: the most that the work can cost, 1 to 10^15; or else
            quantity: 1 to 10^15 of a service that the price catalogue prices.
            ttl_seconds: 1 to 86,400; after that the hold expires by itself.

        Raises:
            As ``deduct``; when the block is entered.
        """
        call = charging.hold(
            self._org(org_id),
            user_id,
            service,
            credits=credits,
            quantity=quantity,
            ttl_seconds=ttl_seconds,
            service_type=service_type,
            metadata=metadata,
            request_id=request_id,
            key=idempotency_key,
        )
        return HeldCredits(self, call)

    def place_hold(
        self,
        user_id: Id,
        service: str,
        credits: int | None = None,
        quantity: int | None = None,
        *,
        ttl_seconds: int = TTL_SECONDS,
        org_id: Id | None = None,
        service_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Reserve credits that another call, or another program, captures or releases; else as ``hold``."""
        call = charging.hold(
            self._org(org_id),
            user_id,
            service,
            credits=credits,
            quantity=quantity,
            ttl_seconds=ttl_seconds,
            service_type=service_type,
            metadata=metadata,
            request_id=request_id,
            key=idempotency_key,
        )
        return self._send(call)

    def get_hold(self, hold_id: Id) -> Hold:
        """Look at a hold.

        Raises:
            NotFound: there is none of this id.
        """
        return self._send(charging.get_hold(hold_id))

    def capture_hold(
        self,
        hold_id: Id,
        credits: int | None = None,
        *,
        final: bool = True,
        metadata: Mapping[str, Any] | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Captured:
        """Charge what a hold reserves, or a part of it.

        Args:
            credits: at most what is left of the hold; without it, all that is left.
            final: give the rest back; otherwise more can be captured later.

        Raises:
            HoldNotPending, HoldAmountExceeded: see ``detail``.
        """
        call = charging.capture(
            hold_id,
            org_id=self._org_if_known(org_id),
            credits=credits,
            final=final,
            metadata=metadata,
            key=idempotency_key,
        )
        return self._send(call)

    def release_hold(
        self, hold_id: Id, *, org_id: Id | None = None, idempotency_key: str | None = None
    ) -> Hold:
        """Give back what a hold reserves.

        Raises:
            HoldNotPending: it was captured or has expired.
        """
        call = charging.release(hold_id, org_id=self._org_if_known(org_id), key=idempotency_key)
        return self._send(call)

    def refund(
        self,
        usage_id: Id,
        reason: str,
        credits: int | None = None,
        *,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Usage:
        """Give back what a usage charged.

        Args:
            reason: 1 to 1,000 characters.
            credits: a part of the charge; without it, all that wasn't refunded yet.

        Returns:
            A usage with negative ``credits_used``, and ``refund_of``.

        Raises:
            RefundExceedsUsage: ``refundable`` is what can still be refunded.
        """
        call = charging.refund(
            usage_id,
            org_id=self._org_if_known(org_id),
            credits=credits,
            reason=reason,
            key=idempotency_key,
        )
        return self._send(call)
