"""The real doors of holds, refunds, batches, settings and the jobs, in the model's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from credits.batching import BatchRefused, deduct_batch
from credits.checking import check
from credits.deducting import Receipt
from credits.functions import Charge, Origin
from credits.holding import HoldOrder, Placed, capture, place, release
from credits.idempotency import Answer, hash_body
from credits.models import Allocation, CreditPool, Price
from credits.refunding import refund
from credits.sweeping import close_overage_due, expire_holds_due, refresh_due, reset_due
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import call
from tests.model.system import ACTOR, Outcome, System, answered, refusal, told

SWEEPERS = (refresh_due, close_overage_due, expire_holds_due, reset_due)


class FullSystem(System):
    """All doors."""

    def hold(
        self,
        user: int,
        credits: int | None,
        service: str,
        quantity: int | None,
        seconds: int,
        key: str | None,
    ) -> Outcome:
        order = HoldOrder(self.charge("holds", user, credits, service, quantity, key), seconds)

        def work() -> Outcome:
            end = place(order)
            if not isinstance(end, Placed):
                return answered(end, lambda document: ("unexpected", document))
            if not end.replayed:
                self.holds.append(end.hold.pk)
            hold = end.hold
            return ("held", self.holds.index(hold.pk), hold.credits, hold.remaining_credits)

        return told(work)

    def capture(self, number: int, credits: int | None) -> Outcome:
        """The last part."""
        return told(lambda: self.captured(number, credits, True, Origin(ACTOR, "model")))

    def capture_part(self, number: int, credits: int | None, key: str | None) -> Outcome:
        return self.once(
            "capture",
            key,
            [number, credits],
            lambda origin: self.captured(number, credits, False, origin),
        )

    def captured(self, number: int, credits: int | None, final: bool, origin: Origin) -> Outcome:
        end = capture(
            org_id=self.org_id,
            hold_id=self.holds[number],
            credits=credits,
            final=final,
            metadata={},
            body_hash=hash_body("capture", {}, {"number": number, "credits": credits, "f": final}),
            origin=origin,
        )
        if not end.replayed:
            self.usages.append(end.usage.pk)
        usage = end.usage
        return (
            "captured",
            self.usages.index(usage.pk),
            usage.credits_used,
            usage.overage_credits,
        )

    def release(self, number: int) -> Outcome:
        def work() -> Outcome:
            end = release(
                org_id=self.org_id,
                hold_id=self.holds[number],
                body_hash=hash_body("release", {}, {"number": number}),
                origin=Origin(ACTOR, "model"),
            )
            return ("released", end.hold.captured_credits)

        return told(work)

    def refund(self, number: int, credits: int | None, key: str | None) -> Outcome:
        def work(origin: Origin) -> Outcome:
            usage = refund(
                org_id=self.org_id,
                usage_id=self.usages[number],
                credits=credits,
                reason="model",
                origin=origin,
                own_actor=None,
            )
            self.usages.append(usage.pk)
            return (
                "refunded",
                len(self.usages) - 1,
                usage.credits_used,
                usage.overage_credits,
            )

        return self.once("refund", key, [number, credits], work)

    def batch(self, charges: tuple[Any, ...], atomic: bool) -> Outcome:
        orders: list[Charge] = [self.charge("deduct", *charge, None) for charge in charges]

        def work() -> Outcome:
            try:
                ends = deduct_batch(org_id=self.org_id, charges=orders, atomic=atomic)
            except BatchRefused as exc:
                return ("batch refused", exc.index, self.item(exc.outcome))
            return ("batch", *(self.item(end) for end in ends))

        return told(work)

    def item(self, end: Receipt | Answer | OrgBillingError) -> Outcome:
        if isinstance(end, OrgBillingError):
            return told_of(end)
        if isinstance(end, Answer):
            return answered(end, lambda document: ("unexpected", document))
        made = end.charged
        self.usages.append(made.usage_id)
        return ("charged", len(self.usages) - 1, made.credits_used, made.overage_credits)

    def check(self, user: int, credits: int | None, service: str, quantity: int | None) -> Outcome:
        def work() -> Outcome:
            verdict = check(
                org_id=self.org_id,
                user_id=self.ids[user],
                credits=credits,
                service_name=service,
                quantity=quantity,
            )
            return (verdict.sufficient, verdict.credits, verdict.remaining_credits)

        return told(lambda: call(work))

    def reclaim(self, user: int, credits: int | None, key: str | None) -> Outcome:
        def work(origin: Origin) -> Outcome:
            allocation = Allocation.objects.reclaim(
                org_id=self.org_id, user_id=self.ids[user], credits=credits, origin=origin
            )
            return ("reclaimed", allocation.remaining_credits, allocation.budget_credits)

        return self.once("reclaim", key, [user, credits], work)

    def settings(self, refresh: int | None, overage: bool | None, limit: int | None) -> Outcome:
        values = {
            "monthly_refresh_amount": refresh,
            "allow_overage": overage,
            "overage_limit": limit,
        }

        def work() -> Outcome:
            CreditPool.objects.change_settings(
                org_id=self.org_id,
                **{name: value for name, value in values.items() if value is not None},
            )
            return ("set",)

        return told(work)

    def overage_period(self, start: datetime | None, end: datetime | None) -> Outcome:
        def work() -> Outcome:
            CreditPool.objects.set_overage_period(org_id=self.org_id, start=start, end=end)
            return ("set",)

        return told(work)

    def reprice(self, service: str, prices: dict[str, int], start: datetime) -> Outcome:
        def work() -> Outcome:
            Price.objects.add_version(
                service_name=service,
                effective_from=start,
                **{f"{plan}_credits": credits for plan, credits in prices.items()},
            )
            return ("repriced",)

        return told(work)

    def sweep(self, order: int) -> Outcome:
        """The jobs, in some order."""

        def work() -> Outcome:
            for number in range(len(SWEEPERS)):
                SWEEPERS[(order + number) % len(SWEEPERS)]()
            return ("swept",)

        return told(work)


def told_of(error: OrgBillingError) -> Outcome:
    return refusal(error.code, error.extra)
