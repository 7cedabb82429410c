"""The import: one transaction, from the first person to the proof; rolled back unless it is to be applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import DatabaseError, connection, transaction

from billing.models import Plan
from credits.models import CreditPool
from organizations.choices import AuditAction
from organizations.models import AuditLogEntry
from orgbilling.importing import (
    accounts,
    agreements,
    cleaning,
    columns,
    doors,
    events,
    tenants,
    totals,
)
from orgbilling.importing.accounts import Account
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.mending import Mends
from orgbilling.importing.people import People
from orgbilling.importing.rows import (
    AllocationRow,
    CountedRow,
    MemberRow,
    OrganizationRow,
    PoolRow,
    SubscriptionRow,
    UserRow,
)
from orgbilling.importing.schema import refuse_unknown
from orgbilling.importing.source import Source
from orgbilling.importing.totals import Comparison
from orgbilling.importing.usage import Writer
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.ids import uuid7

Say = Callable[[str], object]
Row = TypeVar("Row")

#: Held while an import is at work, so that there are never two.
LOCK: Final = "orgbilling.import_opscenter"
#: A transaction of minutes is no mistake here; locks are waited for as ever.
PATIENCE: Final = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)


@dataclass(frozen=True, slots=True)
class Options:
    """What is imported, and how.

    ``only``: ids of the source; empty for all. ``left_out``: columns, ``table.column``, that mean nothing.
    ``give_back``: use that no charge tells of is refunded. ``apply``: without it everything is rolled back.
    ``source``: a name that tells the source from others, where several are imported.
    """

    users: tuple[UserRow, ...] = ()
    issuer: str = ""
    only: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    give_back: bool = True
    apply: bool = False
    source: str = ""

    def subject(self, source_id: str) -> str:
        """An organization of the source, as the audit log names what was imported."""
        return f"{self.source}:{source_id}"[:255] if self.source else source_id[:255]


@dataclass(slots=True)
class Outcome:
    """What was found and done, or would be."""

    variant: str
    unknown: list[str]
    naive: list[str]
    mends: Mends = field(default_factory=Mends)
    organizations: list[Comparison] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    people_made: int = 0
    people_found: int = 0
    members: int = 0
    subscriptions: int = 0
    charges: int = 0
    events: int = 0
    equations: int = 0


def run(source: Source, options: Options, say: Say = lambda _text: None) -> Outcome:
    """Import, prove, and commit or roll back.

    Raises:
        ImportRefusedError: nothing was changed.
    """
    unknown = [name for name in source.schema.unknown() if name not in options.left_out]
    if options.apply:
        refuse_unknown(source.schema, options.left_out)
    outcome = Outcome(source.schema.variant, unknown, source.schema.naive())
    require_owner()
    with transaction.atomic():
        with connection.cursor() as cursor:
            for statement in PATIENCE:
                cursor.execute(statement)
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [LOCK])
            if not cursor.fetchone()[0]:
                raise ImportRefusedError("Another import is at work: wait for its end.")
        try:
            _Run(source, options, outcome, say, database_now(), f"import:{uuid7()}").all()
        except (DatabaseError, OrgBillingError) as exc:
            raise ImportRefusedError(f"This can't be imported: {exc}".strip()) from exc
        if not options.apply:
            transaction.set_rollback(True)
    return outcome


def require_owner() -> None:
    """Refuse to begin as somebody who may not end.

    Raises:
        ImportRefusedError: the role of DATABASE_URL may not write what an import writes.
    """
    if not doors.may_import():
        message = (
            "The role of DATABASE_URL may not write the ledger's history: import as the owner of the tables, "
            "the role that migrations are run as."
        )
        raise ImportRefusedError(message)


@dataclass(slots=True)
class _Run:
    source: Source
    options: Options
    outcome: Outcome
    say: Say
    moment: datetime
    request_id: str
    accounts: dict[str, Account] = field(default_factory=dict)

    def all(self) -> None:
        mends = self.outcome.mends
        rows = self.source.all(columns.USERS, UserRow)
        people = People.of(
            rows, self.options.users, self.options.issuer, mends, source=self.options.source
        )
        self.say("reading balances")
        counted = _by_organization(self.source.counted())
        self._open(people, counted)
        self.say(f"{len(self.accounts)} organizations")
        self._write_accounts()
        writer = Writer(self.accounts, people, mends, self.request_id, self.moment)
        writer.charges(self.source, self.say)
        writer.unattributed(give_back=self.options.give_back)
        for account in self.accounts.values():
            accounts.depart(account, self.request_id)
        self.say("history")
        self.outcome.events = events.write(
            self.source, self.accounts, mends, self.moment, self.request_id
        )
        self.outcome.people_made, self.outcome.people_found = people.made, people.found
        self.say("proving")
        self._prove()

    def _open(self, people: People, counted: dict[str, list[CountedRow]]) -> None:
        """Organizations with members, subscriptions and what everybody is to get; refused if any is here already."""
        organizations = {
            row.id: row for row in self.source.all(columns.ORGANIZATIONS, OrganizationRow)
        }
        pools = _once(self.source.all(columns.POOLS, PoolRow))
        given = _by_organization(self.source.all(columns.ALLOCATIONS, AllocationRow))
        members = _by_organization(self.source.all(columns.MEMBERS, MemberRow))
        subscriptions = self._subscriptions()
        found = {*organizations, *pools, *given, *counted, *members, *subscriptions}
        wanted = self._wanted(found | self.source.organizations_of_history())
        namespace = cleaning.namespace(self.options.source)
        making = tenants.Tenants(self.outcome.mends, self.moment, namespace)
        has_members = self.source.schema.has(columns.MEMBERS)
        plans = {plan.code: plan for plan in Plan.objects.all()}
        wrong = agreements.refusals(
            (row for source_id in wanted for row in subscriptions[source_id]), plans
        )
        for source_id in wanted:
            tenant = making.tenant(source_id, organizations.get(source_id))
            derived = () if has_members else [row.user_id for row in given[source_id]]
            self.outcome.members += tenants.join(
                tenant, members[source_id], derived, people, self.outcome.mends, self.moment
            )
            account = Account(tenant, pools.get(source_id))
            accounts.collect(
                account,
                given[source_id],
                counted[source_id],
                people,
                self.outcome.mends,
                self.moment,
            )
            self.accounts[source_id] = account
        if wrong or making.refused:
            reasons = "\n  ".join([*making.refused, *wrong])
            message = (
                f"This can't be imported:\n  {reasons}\n--organization names those that shall be."
            )
            raise ImportRefusedError(message)
        self._agree(subscriptions, plans)

    def _agree(
        self, subscriptions: dict[str, list[SubscriptionRow]], plans: dict[str, Plan]
    ) -> None:
        agreeing = agreements.Agreements(plans, self.outcome.mends, self.moment, self.request_id)
        for source_id, account in self.accounts.items():
            CreditPool.objects.open(account.tenant.organization.pk)
            live = agreeing.subscribe(account.tenant, subscriptions[source_id])
            agreeing.let_pool(account, live)
            self.outcome.subscriptions += len(subscriptions[source_id])

    def _write_accounts(self) -> None:
        for account in self.accounts.values():
            accounts.settle(account, self.outcome.mends, give_back=self.options.give_back)
            accounts.write(account, self.request_id, self.outcome.mends)

    def _prove(self) -> None:
        self.outcome.organizations = totals.compare(self.accounts.values())
        self.outcome.charges = sum(one.charges for one in self.outcome.organizations)
        totals.prove(self.outcome.organizations, self.outcome.mends)
        org_ids = [account.tenant.organization.pk for account in self.accounts.values()]
        if org_ids:
            self.outcome.equations = totals.verify_ledger(org_ids)
        for one in self.outcome.organizations:
            AuditLogEntry.objects.record_origin(
                AuditAction.ORGANIZATION_IMPORTED,
                actor=doors.ACTOR,
                request_id=self.request_id,
                org_id=one.org_id,
                subject=self.options.subject(one.source_id),
                after={
                    "from": "Ops-Center",
                    "total": int(one.after.total),
                    "spendable": int(one.after.spendable),
                    "used": int(one.after.used),
                    "source_total": str(one.before.total),
                    "source_spendable": str(one.before.spendable),
                },
            )

    def _wanted(self, found: set[str]) -> list[str]:
        """The organizations to import: those asked for, without those that an earlier run has imported."""
        missing = self.options.only - found
        if missing:
            message = f"The source has no organization {', '.join(sorted(missing))}."
            raise ImportRefusedError(message)
        chosen = sorted(self.options.only or found)
        done = set(
            AuditLogEntry.objects.filter(
                action=AuditAction.ORGANIZATION_IMPORTED,
                subject__in=[self.options.subject(one) for one in chosen],
            ).values_list("subject", flat=True)
        )
        self.outcome.already = [one for one in chosen if self.options.subject(one) in done]
        return [one for one in chosen if self.options.subject(one) not in done]

    def _subscriptions(self) -> dict[str, list[SubscriptionRow]]:
        return _by_organization(self.source.all(columns.SUBSCRIPTIONS, SubscriptionRow))


def _by_organization(rows: Iterable[Any]) -> dict[str, list[Any]]:
    sorted_out: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        sorted_out[row.org_id].append(row)
    return sorted_out


def _once(rows: Iterable[PoolRow]) -> dict[str, PoolRow]:
    """The pools by organization.

    Raises:
        ImportRefusedError: an organization has two.
    """
    found: dict[str, PoolRow] = {}
    for row in rows:
        if row.org_id in found:
            raise ImportRefusedError(f"The organization {row.org_id} has two credit pools.")
        found[row.org_id] = row
    return found
