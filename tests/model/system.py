"""The real doors, and their answers in the model's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from credits.choices import JournalKind
from credits.deducting import Receipt, deduct
from credits.departure import remove_member
from credits.functions import Charge, Origin, has_sufficient_credits
from credits.idempotency import Answer, hash_body, run_once
from credits.models import Allocation, CreditPool
from credits.onboarding import open_organization
from organizations.access import Principal
from organizations.models import Member, Organization, User
from orgbilling.lib.clock import SETTING
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import call

#: An outcome: a word, and the numbers that belong to it.
Outcome = tuple[Any, ...]
NUMBERS = ("requested", "remaining", "available", "left", "refundable")
ACTOR = "system"


def told(work: Callable[[], Outcome]) -> Outcome:
    """What came of it, a refusal too."""
    try:
        return work()
    except OrgBillingError as exc:
        return refusal(exc.code, exc.extra)


def refusal(code: str, numbers: dict[str, Any]) -> Outcome:
    return (code, *(numbers[name] for name in NUMBERS if name in numbers))


def answered(answer: Answer, succeeded: Callable[[dict[str, Any]], Outcome]) -> Outcome:
    document = json.loads(answer.body)
    if answer.status >= 400:
        return refusal(document["code"], document)
    return succeeded(document)


class System:
    """One fresh organization, its owner and three people who come and go."""

    def __init__(self, name: str, zone: str, owner: User, people: Iterable[User]) -> None:
        self.owner = Principal(user=owner)
        self.org: Organization = open_organization(name=name, timezone=zone, owner=owner)
        self.org_id = self.org.pk
        self.users = list(people)
        self.ids = [user.pk for user in self.users]
        self.holds: list[UUID] = []
        self.usages: list[UUID] = []

    @staticmethod
    def at(moment: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, false)", [SETTING, moment.isoformat()])

    @staticmethod
    def origin(operation: str, key: str | None, body: Any) -> Origin:
        if key is None:
            return Origin(ACTOR, "model")
        return Origin(ACTOR, "model", key, hash_body(operation, {}, {"body": body}))

    def once(
        self, operation: str, key: str | None, body: Any, work: Callable[[Origin], Outcome]
    ) -> Outcome:
        """As the API does it: the key is claimed, the credits move and the answer is stored, or nothing."""
        origin = self.origin(operation, key, body)
        if key is None:
            return told(lambda: work(origin))

        def answer() -> Outcome:
            made = run_once(
                org_id=self.org_id,
                operation=operation,
                key=key,
                body_hash=origin.body_hash or b"",
                work=lambda: (200, {"outcome": work(origin)}),
            )
            return answered(made, lambda document: tuple(document["outcome"]))

        return told(answer)

    def charge(
        self,
        operation: str,
        user: int,
        credits: int | None,
        service: str,
        quantity: int | None,
        key: str | None,
    ) -> Charge:
        return Charge(
            org_id=self.org_id,
            user_id=self.ids[user],
            service_name=service,
            credits=credits,
            quantity=quantity,
            service_type=None,
            metadata={},
            origin=self.origin(operation, key, [user, credits, service, quantity]),
        )

    def deduct(
        self, user: int, credits: int | None, service: str, quantity: int | None, key: str | None
    ) -> Outcome:
        charge = self.charge("deduct", user, credits, service, quantity, key)

        def work() -> Outcome:
            end = deduct(charge)
            if isinstance(end, Receipt):
                made = end.charged
                if not end.replayed:
                    self.usages.append(made.usage_id)
                return (
                    "charged",
                    self.usages.index(made.usage_id),
                    made.credits_used,
                    made.overage_credits,
                    made.remaining_credits,
                )
            return answered(end, lambda document: ("unexpected", document))

        return told(work)

    def would_pass(self, user: int, credits: int) -> Outcome:
        return told(
            lambda: (call(lambda: has_sufficient_credits(self.org_id, self.ids[user], credits)),)
        )

    def add(self, credits: int, paid: int, key: str | None) -> Outcome:
        def work(origin: Origin) -> Outcome:
            pool = CreditPool.objects.add(
                org_id=self.org_id,
                credits=credits,
                kind=JournalKind.PURCHASE if paid else JournalKind.GRANT,
                purchase_amount=Decimal(paid),
                actor=ACTOR,
                request_id="model",
                idempotency_key=origin.idempotency_key,
                body_hash=origin.body_hash,
            )
            return ("added", pool.available_credits)

        return self.once("add", key, [credits, paid], work)

    def allocate(
        self, user: int, credits: int, period: str | None, recurring: bool, key: str | None
    ) -> Outcome:
        def work(origin: Origin) -> Outcome:
            allocation, created = Allocation.objects.allocate(
                org_id=self.org_id,
                user_id=self.ids[user],
                credits=credits,
                reset_period=period,
                recurring=recurring,
                origin=origin,
            )
            return ("allocated", created, allocation.remaining_credits, allocation.budget_credits)

        return self.once("allocate", key, [user, credits, period, recurring], work)

    def leave(self, user: int) -> Outcome:
        def work() -> Outcome:
            remove_member(
                org_id=self.org_id, user_id=self.ids[user], by=self.owner, request_id="model"
            )
            return ("left",)

        return told(work)

    def join(self, user: int) -> Outcome:
        def work() -> Outcome:
            Member.objects.add(self.org, self.users[user], by=self.owner)
            return ("joined",)

        return told(work)

    def entitle(
        self,
        until: datetime | None,
        plan: str | None,
        next_plan: str | None,
        next_plan_at: datetime | None,
    ) -> Outcome:
        def work() -> Outcome:
            CreditPool.objects.set_entitlement(
                org_id=self.org_id,
                spending_until=until,
                price_plan=plan,
                next_price_plan=next_plan,
                next_price_plan_at=next_plan_at,
            )
            return ("entitled",)

        return told(work)

    def reset(self, user: int) -> Outcome:
        def work() -> Outcome:
            done = Allocation.objects.reset_if_due(
                org_id=self.org_id, user_id=self.ids[user], origin=self.origin("reset", None, None)
            )
            return ("reset", done)

        return told(work)
