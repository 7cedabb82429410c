"""The credits of one organization: its pool and its people's allocations."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from credits.choices import ResetPeriod
from orgbilling.importing import cleaning, doors
from orgbilling.importing.balances import Counters, Effect, Filling, Share, filling, share
from orgbilling.importing.mending import ZERO, Mends
from orgbilling.importing.people import People
from orgbilling.importing.rows import AllocationRow, CountedRow, PoolRow
from orgbilling.importing.tenants import Tenant

POOLS: Final = "organization_credit_pools"
ALLOCATIONS: Final = "user_credit_allocations"
OPENING: Final = "Opening balance, imported from Ops-Center"
MENDED: Final = "What mending Ops-Center's faults made good, imported from Ops-Center"
GIVEN: Final = "What was spent and is left, imported from Ops-Center"


@dataclass(slots=True)
class Person:
    """One person's credits in one organization, of all their accounts there."""

    user_id: uuid.UUID
    source_id: str
    allocation_id: uuid.UUID
    counters: Counters = field(default_factory=Counters)
    has_allocation: bool = False
    is_active: bool = False
    reset_period: str = ResetPeriod.MONTHLY
    anchor: datetime | None = None
    notes: str = ""
    share: Share | None = None

    @property
    def settled(self) -> Share:
        """What the person gets, once it has been worked out."""
        if self.share is None:
            raise ValueError(self.source_id)
        return self.share


@dataclass(slots=True)
class Account:
    """What an organization has in the source, and gets here."""

    tenant: Tenant
    pool: PoolRow | None
    people: dict[uuid.UUID, Person] = field(default_factory=dict)
    filling: Filling | None = None

    @property
    def total(self) -> Decimal:
        """What the source says was ever given."""
        return (self.pool.total if self.pool else None) or ZERO

    @property
    def allocated(self) -> Decimal:
        """What the source says was given on to members."""
        return (self.pool.allocated if self.pool else None) or ZERO

    @property
    def spendable(self) -> Decimal:
        """What the source says can be spent."""
        seen = sum((person.counters.seen for person in self.people.values()), ZERO)
        return self.total - self.allocated + seen


def collect(
    account: Account,
    allocations: Iterable[AllocationRow],
    counted: Iterable[CountedRow],
    people: People,
    mends: Mends,
    moment: datetime,
) -> None:
    """Put together what each person has, and since when the organization has a history."""
    tenant = account.tenant
    begun = [tenant.since, account.pool.created_at if account.pool else None]
    for row in allocations:
        _add_allocation(account, row, people, mends)
        begun.append(row.created_at)
    for sums in counted:
        person = _person(account, sums.user_id, people)
        person.counters = person.counters.plus(
            Counters(
                raw=sums.raw,
                negative=sums.negative,
                charged=sums.charged,
                fraction=sums.fraction,
                repeated=sums.repeated,
            )
        )
        begun.append(sums.first_at)
    tenant.since = min(moment, *(one for one in begun if one is not None))
    for person in account.people.values():
        _decide_activity(account, person, mends)


def _add_allocation(account: Account, row: AllocationRow, people: People, mends: Mends) -> None:
    tenant = account.tenant
    person = _person(account, row.user_id, people)
    if row.allocated is None or row.used is None:
        mends.add("null_amount", tenant.source_id, ALLOCATIONS, row.id, "NULL", 0)
    counters = Counters(row.allocated or ZERO, row.used or ZERO, row.remaining)
    person.counters = person.counters.plus(counters)
    if not person.has_allocation:
        person.allocation_id = cleaning.identity(row.id, ALLOCATIONS, tenant.namespace)
        person.anchor, person.notes = row.created_at, row.notes or ""
    period = (row.reset_period or ResetPeriod.MONTHLY).lower()
    if period not in ResetPeriod.values:
        mends.add(
            "reset_period",
            tenant.source_id,
            ALLOCATIONS,
            row.id,
            row.reset_period,
            ResetPeriod.MONTHLY,
        )
        period = ResetPeriod.MONTHLY
    person.reset_period = period
    person.has_allocation = True
    person.is_active = person.is_active or row.is_active is not False


def _person(account: Account, source_id: str, people: People) -> Person:
    user = people.user(source_id)
    if user.pk not in account.people:
        tenant = account.tenant
        told = f"{tenant.source_id}/{source_id}"
        made = cleaning.identity(told, ALLOCATIONS, tenant.namespace)
        account.people[user.pk] = Person(user.pk, source_id, made)
    return account.people[user.pk]


def _decide_activity(account: Account, person: Person, mends: Mends) -> None:
    """Whether the person may spend: a member with an allocation that is switched on."""
    tenant = account.tenant
    is_member = person.user_id in tenant.members
    if not is_member:
        mends.add(
            "not_a_member",
            tenant.source_id,
            ALLOCATIONS,
            person.source_id,
            f"{person.counters.seen} left",
            "returned to the pool",
        )
    elif person.has_allocation and not person.is_active:
        mends.add(
            "allocation_inactive",
            tenant.source_id,
            ALLOCATIONS,
            person.source_id,
            f"{person.counters.seen} left",
            "returned to the pool",
        )
    # A member who was never given credits but has charges keeps the place for them.
    person.is_active = is_member and (person.is_active or not person.has_allocation)


def settle(account: Account, mends: Mends, *, give_back: bool) -> None:
    """Work out what the pool and each person get, and note how that differs."""
    source_id = account.tenant.source_id
    for person in account.people.values():
        person.share = share(person.counters, give_back=give_back)
        _note(mends, source_id, ALLOCATIONS, person.source_id, person.share.effects)
    shares = [person.settled for person in account.people.values()]
    account.filling = filling(account.total, account.allocated, shares)
    _note(mends, source_id, POOLS, source_id, account.filling.effects)
    pool = account.pool
    if pool is None:
        return
    if pool.total is None or pool.allocated is None:
        mends.add("null_amount", source_id, POOLS, source_id, "NULL", 0)
    used = sum((person.counters.used for person in account.people.values()), ZERO)
    if pool.used is not None and pool.used != used:
        mends.add("pool_used_deviates", source_id, POOLS, source_id, pool.used, used)


def _note(mends: Mends, source_id: str, table: str, row: str, effects: tuple[Effect, ...]) -> None:
    for one in effects:
        mends.add(
            one.kind,
            source_id,
            table,
            row,
            one.old,
            one.new,
            total=one.total,
            spendable=one.spendable,
        )


def write(account: Account, request_id: str, mends: Mends) -> None:
    """Fill the pool and make the allocations."""
    tenant, filled = account.tenant, account.filling
    if filled is None:
        raise ValueError(tenant.source_id)
    doors.import_pool(
        org_id=tenant.organization.pk,
        opening=filled.opening,
        mended=filled.mended,
        purchased=cleaning.down(_lifetime(account, "purchased", mends)),
        spent=cleaning.cents(_lifetime(account, "spent", mends)),
        moment=tenant.since,
        request_id=request_id,
        notes=(OPENING, MENDED),
    )
    for person in account.people.values():
        given = doors.Given(
            user_id=person.user_id,
            allocation_id=person.allocation_id,
            credits=person.settled.given,
            budget=person.settled.budget if person.is_active else 0,
            reset_period=person.reset_period,
            reset_anchor=person.anchor or tenant.since,
            is_active=person.is_active,
            notes=(person.notes, GIVEN),
        )
        doors.import_allocation(
            given, org_id=tenant.organization.pk, moment=tenant.since, request_id=request_id
        )


def _lifetime(account: Account, name: str, mends: Mends) -> Decimal:
    value: Decimal = (getattr(account.pool, name) if account.pool else None) or ZERO
    if value < 0:
        mends.add("lifetime", account.tenant.source_id, POOLS, account.tenant.source_id, value, 0)
    return max(ZERO, value)


def depart(account: Account, request_id: str) -> None:
    """Return to the pool what people have left who may not spend it."""
    for person in account.people.values():
        if not person.is_active and person.settled.remaining:
            doors.import_departure(
                org_id=account.tenant.organization.pk,
                allocation_id=person.allocation_id,
                request_id=request_id,
                notes="No member, or switched off, in Ops-Center",
            )
