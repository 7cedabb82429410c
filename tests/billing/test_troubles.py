"""What goes wrong is told: to the organization by charge, to system admins by kind and window."""

from datetime import timedelta

import pytest
from django.db import DataError, connection
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import subscribing, troubles
from billing.models import LedgerCheck, Payment, PaymentAttempt, Subscription
from billing.purchase import Parcel, buy_on_account
from organizations.choices import MailStatus, NoticeKind
from organizations.models import Notice
from organizations.noticing import Message, tell
from orgbilling.lib.clock import now
from tests.factories import make_organization, make_user
from tests.ledger import ORIGIN

pytestmark = pytest.mark.django_db


def decline(organization, code="card_declined"):
    """Another attempt at the organization's payment, which its card declines."""
    payment = Payment.objects.pending().filter(org=organization).first()
    if payment is None:
        buy_on_account(organization=organization, parcel=Parcel(500), origin=ORIGIN)
        payment = Payment.objects.pending().get(org=organization)
    attempt = PaymentAttempt.objects.begin(
        org_id=organization.pk,
        payment_id=payment.pk,
        provider="stripe",
        customer_id="cus_1",
        method_id="pm_1",
        moment=now(),
    )
    PaymentAttempt.objects.write(
        attempt,
        moment=now(),
        status="failed",
        failure_code=code,
        failure_message="Insufficient funds.",
    )


def told(user):
    return [row.title for row in Notice.objects.filter(user=user).order_by("created_at", "id")]


def test_a_declined_card_is_told_once_a_charge_and_once_an_hour(alpha, alice, bob, system_admin):
    subscribe(alpha)
    others = [make_organization(owner=make_user()) for _number in range(3)]
    for organization in (alpha, *others):
        if organization != alpha:
            subscribe(organization)
        decline(organization)
    for _time in range(2):
        troubles.tell_of_all()
    decline(alpha)
    troubles.tell_of_all()
    assert told(alice) == ["The card of Test Org Alpha was declined for 50.00 USD"]
    assert told(bob) == []
    assert "Insufficient funds." in Notice.objects.get(user=alice).detail
    (title,) = told(system_admin)
    assert title.startswith("Cards were declined, the first of Test Org Alpha")
    assert Notice.objects.filter(kind=NoticeKind.PAYMENT_FAILED).count() == 4


def subscribe(organization):
    subscribing.subscribe(
        organization=organization, order=subscribing.Order(plan="platform"), origin=ORIGIN
    )
    return Subscription.objects.get(org=organization)


def test_past_due_is_told_once_a_spell(alpha, alice, system_admin):
    subscription = subscribe(alpha)
    due = Subscription.objects.filter(pk=subscription.pk)
    # Two spells of one day in UTC, which is what system admins are told by.
    noon = now().replace(hour=12)
    due.update(status="past_due", past_due_since=noon - timedelta(hours=1))
    for _time in range(2):
        troubles.tell_of_all()
    assert told(alice) == ["The subscription of Test Org Alpha is past due"]
    assert len(told(system_admin)) == 1
    due.update(status="active", past_due_since=None)
    troubles.tell_of_all()
    due.update(status="past_due", past_due_since=noon)
    troubles.tell_of_all()
    assert len(told(alice)) == 2
    assert len(told(system_admin)) == 1


def fail_a_job(task):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status)"
            " VALUES ('default', %s, '{}', 'failed') RETURNING id",
            [task],
        )
        (job,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO procrastinate_events (job_id, type, at) VALUES (%s, 'failed', now())",
            [job],
        )


def test_failed_jobs_are_told_once_a_task_and_day(system_admin):
    for task in ("billing.collect_payment", "billing.collect_payment", "credits.purge"):
        fail_a_job(task)
    assert ProcrastinateJob.objects.filter(status="failed").count() == 3
    for _time in range(2):
        troubles.tell_of_all()
    assert sorted(told(system_admin)) == [
        "Jobs of billing.collect_payment have failed for good",
        "Jobs of credits.purge have failed for good",
    ]


def test_a_ledger_that_breaks_a_rule_is_told_once_a_day(system_admin):
    for _time in range(3):
        run = LedgerCheck.objects.begin(asked_by="system")
        LedgerCheck.objects.finish(
            run,
            as_of=now(),
            checked=39,
            violations=1_234,
            details=[{"check": "pool_adds_up", "says": "", "examples": []}],
        )
        troubles.tell_of_all()
    assert told(system_admin) == ["The ledger breaks 1 of its 39 rules, in 1,234 rows"]
    assert "pool_adds_up" in Notice.objects.get().detail


def test_mail_that_was_given_up_is_told_in_the_console(system_admin, settings):
    settings.NOTICES_BY_EMAIL = True
    tell([system_admin], Message(NoticeKind.JOB_FAILED, "k", "A job failed", "It did."))
    Notice.objects.update(mail_status=MailStatus.FAILED, mail_error="550 nobody")
    for _time in range(2):
        troubles.tell_of_all()
    (notice,) = Notice.objects.filter(kind=NoticeKind.MAIL_FAILED)
    assert "550 nobody" in notice.detail
    assert notice.mail_status == MailStatus.NONE


def test_one_kind_in_trouble_does_not_stop_the_others(system_admin, monkeypatch):
    def stumble():
        raise DataError

    stumble.__name__ = "stumble"
    monkeypatch.setattr(troubles, "declined_cards", stumble)
    fail_a_job("credits.purge")
    troubles.tell_of_all()
    assert len(told(system_admin)) == 1


def test_what_is_long_past_is_not_told(alpha, alice, system_admin):
    subscribe(alpha)
    decline(alpha)
    PaymentAttempt.objects.update(updated_at=now() - timedelta(days=4))
    troubles.tell_of_all()
    assert told(alice) == []
