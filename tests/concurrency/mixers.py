"""Threads that do everything to a few organizations, in an order drawn by lot, until the time is up."""

import random
import time
from collections import Counter
from datetime import timedelta
from uuid import UUID

from django.db import connections

from credits.batching import deduct_batch
from credits.checking import check
from credits.deducting import Receipt, deduct
from credits.departure import remove_member
from credits.holding import Captured, HoldOrder, Placed, capture, place, release
from credits.models import Allocation, CreditPool
from credits.refunding import refund
from credits.sweeping import close_overage_due, expire_holds_due, refresh_due, reset_due
from organizations.access import Principal
from organizations.models import Member, Organization, User
from orgbilling.lib.clock import now, simulated
from orgbilling.lib.errors import DatabaseUnavailable, OrgBillingError
from tests.ledger import ORIGIN, charge, fund, give

SWEEPERS = (reset_due, refresh_due, expire_holds_due, close_overage_due)
#: How often each is drawn.
WEIGHTS = {
    "charge": 30,
    "charge_again": 8,
    "batch": 8,
    "hold": 14,
    "capture": 12,
    "release": 6,
    "refund": 8,
    "allocate": 10,
    "reclaim": 5,
    "fund": 5,
    "look": 4,
    "reset": 4,
    "sweep": 4,
    "settings": 3,
    "renew": 2,
    "entitle": 2,
    "leave": 2,
    "join": 5,
}


class Mixer:
    """One thread. Simulated days pass at the same pace for all, so that resets and expiries come due."""

    def __init__(self, orgs: dict[Organization, list[User]], by: Principal, seed: int) -> None:
        self.orgs, self.by = orgs, by
        self.lot = random.Random(seed)
        self.done: Counter[tuple[str, str]] = Counter()
        self.unforeseen: list[tuple[str, BaseException]] = []
        self.holds: list[tuple[UUID, UUID]] = []
        self.usages: list[tuple[UUID, UUID]] = []

    def run(self, seconds: float) -> "Mixer":
        begin, started = now(), time.monotonic()
        try:
            while (elapsed := time.monotonic() - started) < seconds:
                kind = self.lot.choices(list(WEIGHTS), WEIGHTS.values())[0]
                org = self.lot.choice(list(self.orgs))
                user = self.lot.choice(self.orgs[org])
                with simulated(begin + timedelta(hours=6 * elapsed)):
                    self.do(kind, org, user)
        finally:
            connections.close_all()
        return self

    def do(self, kind: str, org: Organization, user: User) -> None:
        try:
            end = getattr(self, kind)(org, user)
        except DatabaseUnavailable as exc:
            # A lock that was not to be had, shown to the caller.
            self.unforeseen.append((kind, exc))
        except OrgBillingError as exc:
            self.done[kind, exc.code] += 1
        except Exception as exc:  # noqa: BLE001 - whatever it is, the test shows it
            self.unforeseen.append((kind, exc))
        else:
            self.done[kind, type(end).__name__] += 1

    def charge(self, org, user):
        end = deduct(charge(org, user, self.lot.randint(1, 40)))
        if isinstance(end, Receipt):
            self.usages.append((org.pk, end.charged.usage_id))
        return end

    def charge_again(self, org, user):
        """A key that several callers draw, for the same request or for another."""
        return deduct(charge(org, user, 1, f"key-{self.lot.randrange(200)}"))

    def batch(self, org, _user):
        users = [self.lot.choice(self.orgs[org]) for _ in range(self.lot.randint(1, 12))]
        return deduct_batch(
            org_id=org.pk, charges=[charge(org, user, self.lot.randint(1, 9)) for user in users]
        )

    def hold(self, org, user):
        end = place(HoldOrder(charge(org, user, self.lot.randint(1, 30)), 3_600))
        if isinstance(end, Placed):
            self.holds.append((org.pk, end.hold.pk))
        return end

    def some(self, things, *, kept=True):
        """One of the latest; not to be drawn again unless it is kept."""
        if not things:
            return None
        index = self.lot.randrange(max(0, len(things) - 12), len(things))
        return things[index] if kept else things.pop(index)

    def capture(self, _org, _user):
        final = self.lot.random() < 0.7
        if (hold := self.some(self.holds, kept=not final)) is None:
            return None
        end = capture(
            org_id=hold[0],
            hold_id=hold[1],
            credits=self.lot.choice([None, 1, 3]),
            final=final,
            body_hash=b"capture",
            origin=ORIGIN,
        )
        if isinstance(end, Captured):
            self.usages.append((hold[0], end.usage.pk))
        return end

    def release(self, _org, _user):
        if (hold := self.some(self.holds, kept=False)) is None:
            return None
        return release(org_id=hold[0], hold_id=hold[1], body_hash=b"release", origin=ORIGIN)

    def refund(self, _org, _user):
        if (usage := self.some(self.usages)) is None:
            return None
        credits = self.lot.choice([None, 1, 5])
        return refund(
            org_id=usage[0], usage_id=usage[1], credits=credits, reason="mixed", origin=ORIGIN
        )

    def allocate(self, org, user):
        return give(
            org,
            user,
            self.lot.randint(1, 300),
            reset_period=self.lot.choice(["daily", "weekly", "never", None]),
            recurring=self.lot.random() < 0.4,
        )

    def reclaim(self, org, user):
        credits = self.lot.choice([None, 10])
        return Allocation.objects.reclaim(
            org_id=org.pk, user_id=user.pk, credits=credits, origin=ORIGIN
        )

    def fund(self, org, _user):
        return fund(org, self.lot.randint(1, 500))

    def look(self, org, user):
        return check(org_id=org.pk, user_id=user.pk, credits=self.lot.randint(1, 50))

    def reset(self, org, user):
        return Allocation.objects.reset_if_due(org_id=org.pk, user_id=user.pk, origin=ORIGIN)

    def sweep(self, _org, _user):
        return self.lot.choice(SWEEPERS)()

    def settings(self, org, _user):
        return CreditPool.objects.change_settings(
            org_id=org.pk,
            allow_overage=True,
            overage_limit=10_000,
            monthly_refresh_amount=self.lot.choice([0, 200]),
        )

    def renew(self, org, _user):
        end = now() + timedelta(hours=self.lot.randint(6, 400))
        return CreditPool.objects.set_overage_period(org_id=org.pk, start=None, end=end)

    def entitle(self, org, _user):
        plan = self.lot.choice(["platform", "byok", "hybrid"])
        until = now() + timedelta(days=self.lot.choice([400, 4_000]))
        return CreditPool.objects.set_entitlement(
            org_id=org.pk, spending_until=until, price_plan=plan
        )

    def leave(self, org, user):
        return remove_member(org_id=org.pk, user_id=user.pk, by=self.by, request_id="mixed")

    def join(self, org, user):
        return Member.objects.add(org, user, by=self.by)
