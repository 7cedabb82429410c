"""What has gone wrong with money, jobs or the ledger, and who is told of it.

A sweep looks at what is written anyway, so that nothing that fails has to tell of itself. Each cause is told once: to
an organization by charge, to system admins by kind and hour or day, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.db import DatabaseError
from procrastinate.contrib.django.models import ProcrastinateEvent

from billing.choices import AttemptStatus, SubscriptionStatus
from billing.models import LedgerCheck, PaymentAttempt, Subscription
from organizations.choices import MailStatus, NoticeKind
from organizations.models import Notice
from organizations.noticing import Message, billing_people, system_admins, tell, told
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import run

logger = structlog.stdlib.get_logger(__name__)

#: What happened before is not told any more: a worker that was away for longer has other notices to make.
LOOKED_BACK: Final = timedelta(days=3)
#: At most so many causes of one kind in one sweep; the next comes in minutes.
AT_ONCE: Final = 500


def tell_of_all() -> None:
    """Tell of everything new. Each kind is by itself: one that fails is logged and doesn't stop the others."""
    for look in (declined_cards, past_due, failed_jobs, ledger_violations, undelivered_mail):
        _guarded(look)


def _guarded(look: Callable[[], None]) -> None:
    try:
        look()
    except (OrgBillingError, DatabaseError):
        logger.exception("troubles.not_told", kind=look.__name__)


def declined_cards() -> None:
    """Of each charge whose card was declined, the organization; of cards at all, system admins once an hour."""
    since = database_now() - LOOKED_BACK
    rows = (
        PaymentAttempt.objects.filter(status=AttemptStatus.FAILED, updated_at__gte=since)
        .select_related("org")
        .order_by("updated_at", "id")
    )
    known = told(NoticeKind.PAYMENT_FAILED, (str(row.payment_id) for row in rows))
    for row in [row for row in rows if str(row.payment_id) not in known][:AT_ONCE]:
        _tell_of_card(row)


def _tell_of_card(attempt: PaymentAttempt) -> None:
    name, amount = attempt.org.display_name, f"{attempt.amount:,.2f} {attempt.currency}"
    said = f" The bank says: {attempt.failure_message}" if attempt.failure_message else ""
    to_them = Message(
        NoticeKind.PAYMENT_FAILED,
        str(attempt.payment_id),
        f"The card of {name} was declined for {amount}",
        f"The charge is still owed.{said}\nIt is tried again by itself. To pay at once, or by another card, "
        "open the invoices.",
        "org_invoices",
        attempt.org_id,
    )
    to_us = Message(
        NoticeKind.PAYMENTS_FAILED,
        _hour(attempt.updated_at),
        f"Cards were declined, the first of {name} for {amount}",
        f"Reason: {attempt.failure_code or 'none given'}. The organization was told. One notice an hour tells of "
        "all of them: the list of attempts has the rest.",
        "billing_paymentattempt_changelist",
    )

    def work() -> None:
        tell(billing_people(attempt.org_id), to_them)
        tell(system_admins(), to_us)

    run(work)


def past_due() -> None:
    """Of each subscription that became past due, the organization; of any, system admins once a day."""
    rows = (
        Subscription.objects.filter(
            status=SubscriptionStatus.PAST_DUE, past_due_since__gte=database_now() - LOOKED_BACK
        )
        .select_related("org")
        .order_by("past_due_since", "id")
    )
    known = told(NoticeKind.PAST_DUE, (_spell(row) for row in rows))
    for row in [row for row in rows if _spell(row) not in known][:AT_ONCE]:
        _tell_of_past_due(row)


def _spell(subscription: Subscription) -> str:
    return f"{subscription.pk}:{subscription.past_due_since:%Y%m%dT%H%M%S}"


def _tell_of_past_due(subscription: Subscription) -> None:
    name, until = subscription.org.display_name, subscription.past_due_until
    ends = f" It ends on {until:%-d %b %Y}, and spending with it, unless they are." if until else ""
    to_them = Message(
        NoticeKind.PAST_DUE,
        _spell(subscription),
        f"The subscription of {name} is past due",
        f"Charges have not been paid in time.{ends} Pay the open invoices.",
        "org_invoices",
        subscription.org_id,
    )
    to_us = Message(
        NoticeKind.SUBSCRIPTIONS_PAST_DUE,
        _day(subscription.past_due_since or database_now()),
        f"Subscriptions became past due, the first that of {name}",
        "The organization was told. One notice a day tells of all of them: the list of subscriptions has the rest.",
        "billing_subscription_changelist?status__exact=past_due",
    )

    def work() -> None:
        tell(billing_people(subscription.org_id), to_them)
        tell(system_admins(), to_us)

    run(work)


def failed_jobs() -> None:
    """System admins, of each task of which jobs failed for good, once a day."""
    since = database_now() - LOOKED_BACK
    rows = (
        ProcrastinateEvent.objects.filter(type="failed", at__gte=since, job__status="failed")
        .order_by("at", "id")
        .values_list("job__task_name", "job_id", "at")
    )
    first: dict[str, tuple[str, int]] = {}
    for task, job, at in rows:
        first.setdefault(f"{task}:{_day(at)}", (task, job))
    known = told(NoticeKind.JOB_FAILED, first)
    for key, (task, job) in [one for one in first.items() if one[0] not in known][:AT_ONCE]:
        _to_admins(
            NoticeKind.JOB_FAILED,
            key,
            f"Jobs of {task} have failed for good",
            f"The first is job {job}; the worker's log says why. What it was asked to do is not done. Most tasks are "
            "asked for again by the schedule; else mend the cause and retry the job.",
            "procrastinate_procrastinatejob_changelist?status__exact=failed",
        )


def ledger_violations() -> None:
    """System admins, of a proof of the ledger that found violations, once a day."""
    check = LedgerCheck.objects.filter(
        finished_at__gte=database_now() - LOOKED_BACK, violations__gt=0
    ).first()
    if check is None or check.finished_at is None:
        return
    names = ", ".join(str(found["check"]) for found in check.details[:5])
    _to_admins(
        NoticeKind.LEDGER_VIOLATED,
        _day(check.finished_at),
        f"The ledger breaks {len(check.details)} of its {check.checked} rules, in {check.violations:,} rows",
        f"Broken: {names or 'see the check'}.\nStop changing balances by hand, keep the database as it is, and look at "
        "the rows that the check names before anything else.",
        "billing_ledgercheck_changelist",
    )


def undelivered_mail() -> None:
    """System admins, in the console, of notices whose e-mail was given up, once a day."""
    last = (
        Notice.objects.filter(
            mail_status=MailStatus.FAILED, mail_next_at__gte=database_now() - LOOKED_BACK
        )
        .order_by("-mail_next_at")
        .first()
    )
    if last is None or last.mail_next_at is None:
        return
    _to_admins(
        NoticeKind.MAIL_FAILED,
        _day(last.mail_next_at),
        "E-mail could not be delivered",
        f"The last error: {last.mail_error or 'no answer'}. The notices are in the console; mend the cause, choose "
        "them in the list, and queue their e-mail again.",
        "organizations_notice_changelist?mail_status__exact=failed",
    )


def _to_admins(kind: NoticeKind, key: str, title: str, detail: str, page: str) -> None:
    """Unless they were told already."""
    if not told(kind, [key]):
        run(lambda: tell(system_admins(), Message(kind, key, title, detail, page)))


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
