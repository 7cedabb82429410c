"""What the agent asks of the service: may I, charge, refund, hold. The only module that knows the client.

Every call that moves credits carries a key derived from the unit, as its ``Idempotency-Key`` and as its request id. The
first makes a repetition harmless; the second stands in the service's usage rows and logs, and `reconcile.py` finds the
rows by it.
"""

from __future__ import annotations

from typing import Any

from orgbilling_client import Check, Client, HeldCredits, RefundExceedsUsage, Usage

from examples.loopnet_agent import metadata
from examples.loopnet_agent.journal import Charged, Run
from examples.loopnet_agent.units import SERVICES, Kind, Unit, key_of

CAPTURE, REFUND = "capture", "refund"


class Till:
    """Charges the units of a run to its payer. May be used by several threads, as the client may."""

    def __init__(self, client: Client, run: Run, *, hold_seconds: int) -> None:
        self._client, self._run, self._hold_seconds = client, run, hold_seconds

    def check(self, service: str, quantity: int) -> Check:
        """What so much of a service costs, and whether it would be paid now. Reserves nothing."""
        return self._client.check(
            self._run.user_id, service=service, quantity=quantity, org_id=self._run.org_id
        )

    def check_all(self, quantities: dict[Kind, int]) -> tuple[int, Check | None]:
        """What all of it costs, in credits, and whether that would be paid now; None when it costs nothing."""
        credits = sum(self.check(SERVICES[k], n).credits for k, n in quantities.items() if n)
        if credits == 0:
            return 0, None
        return credits, self._client.check(
            self._run.user_id, credits=credits, org_id=self._run.org_id
        )

    def request(self, unit: Unit, quantity: int) -> dict[str, Any]:
        """What will be sent for a unit. It goes through the journal: what is sent again is never made up again."""
        return {
            "quantity": quantity,
            "service_type": "agent",
            "metadata": metadata.of_charge(self._run.name, unit, quantity),
            **({"ttl_seconds": self._hold_seconds} if unit.kind is Kind.EXPORT else {}),
        }

    def charge(self, unit: Unit) -> Charged:
        """Charge a unit, or learn that it was charged.

        Raises:
            InsufficientCredits: refused, which is final for the key.
            OrgBillingError: anything else; the key may have been charged, and is good for another try.
        """
        key = key_of(self._run.name, unit)
        with self._client.request_context(request_id=key):
            usage = self._client.deduct(
                self._run.user_id,
                unit.service,
                org_id=self._run.org_id,
                idempotency_key=key,
                **unit.request,
            )
        return _charged(unit, key, usage)

    def refund(self, unit: Unit) -> Charged | None:
        """Give back what a unit cost, or learn that it was given back; None when there was nothing left to give."""
        if unit.usage_id is None:
            raise ValueError(f"{unit.id} was never charged.")
        key = key_of(self._run.name, unit, REFUND)
        try:
            with self._client.request_context(request_id=key):
                usage = self._client.refund(
                    unit.usage_id,
                    str(unit.outcome["reason"]),
                    org_id=self._run.org_id,
                    idempotency_key=key,
                )
        except RefundExceedsUsage:
            # It cost nothing on this plan, or somebody gave it back by hand.
            return None
        return _charged(unit, key, usage)

    def hold(self, unit: Unit) -> HeldCredits:
        """Reserve the most that a unit can cost, or find the reservation again, as a ``with`` block."""
        return self._client.hold(
            self._run.user_id,
            unit.service,
            org_id=self._run.org_id,
            idempotency_key=key_of(self._run.name, unit),
            **unit.request,
        )

    def capture(self, unit: Unit, hold: HeldCredits, written: int) -> Charged:
        """Charge a hold for what was written, or learn that it was charged; the rest goes back.

        Raises:
            HoldNotPending: it expired, or was given back.
            OrgBillingError: anything else; it may have been captured, and another try is harmless.
        """
        key = key_of(self._run.name, unit, CAPTURE)
        most = int(unit.request["quantity"])
        # The price was fixed by the hold. What costs nothing has no parts.
        credits = hold.credits // most * written
        result = metadata.of_capture(most, written)
        with self._client.request_context(request_id=key):
            captured = hold.capture(credits or None, metadata=result, idempotency_key=key)
        return _charged(unit, key, captured.usage)


def _charged(unit: Unit, key: str, usage: Usage) -> Charged:
    return Charged(
        key,
        unit.id,
        unit.service,
        str(usage.id),
        usage.credits_used,
        usage.created_at.isoformat(),
    )
