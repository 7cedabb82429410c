"""A declined payment is tried again after 1, 3, 5 and 7 days, and sooner when somebody does something."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import collecting, payment_methods, settling
from billing.dunning import RETRY_DAYS, next_attempt_at
from billing.jobs import collect_due, collect_payment
from billing.models import Payment
from orgbilling.lib.clock import simulated
from tests.billing.clockwork import advance, day
from tests.billing.conftest import ORIGIN
from tests.billing.providers.conftest import (
    attempts,
    collect,
    customer_of,
    days_later,
    status_of,
)
from tests.factories import make_organization

pytestmark = pytest.mark.django_db
HOUR = 1 / 24


def sweep(at) -> None:
    with simulated(at):
        collect_due(0)


def test_it_is_tried_again_on_the_days_of_the_schedule_and_no_more(server, alpha, owing, carded):
    carded(alpha, "declined")
    payment = owing(alpha)
    collect(payment, payment.created_at)
    tried = []
    for hour in range(0, 30 * 24, 6):
        before = len(attempts(payment))
        sweep(days_later(payment, hour * HOUR))
        if len(attempts(payment)) > before:
            tried.append(hour / 24)
    assert tried == list(RETRY_DAYS) == [1, 3, 5, 7]
    assert attempts(payment) == [(number, "failed") for number in (1, 2, 3, 4, 5)]


def test_pages_can_say_when(server, alpha, owing):
    first = owing(alpha).created_at
    days = [
        next_attempt_at(first, tried=tried, refusal="insufficient_funds") for tried in (1, 4, 5)
    ]
    assert [when and (when - first).days for when in days] == [1, 7, None]
    assert next_attempt_at(first, tried=1, refusal="stolen_card") is None


def test_a_stolen_card_is_never_asked_again(server, alpha, owing, carded):
    carded(alpha, "stolen")
    payment = owing(alpha)
    collect(payment, payment.created_at)
    sweep(days_later(payment, 10))
    assert attempts(payment) == [(1, "failed")]


def test_a_card_that_is_filled_again_pays_on_the_next_try(server, alpha, owing, carded):
    card = carded(alpha, "declined")
    payment = owing(alpha)
    collect(payment, payment.created_at)
    server.account.behaviours[card] = "ok"
    sweep(days_later(payment, 0.9))
    assert status_of(payment) == "pending"
    sweep(days_later(payment, 1))
    assert status_of(payment) == "paid"
    sweep(days_later(payment, 9))
    assert attempts(payment) == [(1, "failed"), (2, "succeeded")]


def test_paying_now_waits_for_no_day(server, alpha, owing, carded):
    card = carded(alpha, "stolen")
    payment = owing(alpha)
    collect(payment)
    server.account.behaviours[card] = "ok"
    url = "https://billing.example/"
    outcome = collecting.pay_now(org_id=alpha.pk, payment_id=payment.pk, return_url=url)
    assert outcome.attempt.number == 2
    assert status_of(payment) == "paid"


def test_another_card_is_charged_at_once_for_all_that_is_pending(server, alpha, owing, carded):
    carded(alpha, "declined")
    payments = [owing(alpha), owing(alpha)]
    for payment in payments:
        collect(payment)
    other = server.account.add_card(customer_of(alpha))
    payment_methods.set_default(org_id=alpha.pk, method_id=other)
    asked = ProcrastinateJob.objects.filter(task_name="billing.collect_payment", args__now="yes")
    assert {job.args["payment_id"] for job in asked} == {str(payment.pk) for payment in payments}
    for job in asked:
        collect_payment(**job.args)
    assert [status_of(payment) for payment in payments] == ["paid", "paid"]


def test_the_sweep_finds_what_was_never_tried(server, alpha, owing, carded):
    payment = owing(alpha)
    carded(alpha)
    sweep(days_later(payment, 0))
    assert status_of(payment) == "paid"


def test_the_sweep_finds_what_had_no_answer(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(collecting.PaymentProviderUnavailable):
        collect(payment, payment.created_at)
    sweep(days_later(payment, 4 / 24 / 60))
    assert attempts(payment) == [(1, "started")]
    sweep(days_later(payment, 5.1 / 24 / 60))
    assert attempts(payment) == [(1, "succeeded")]


def test_the_sweep_goes_on_after_one_that_fails_and_stops_when_nobody_answers(
    server, owing, carded, caplog
):
    broken, sound, cardless = (make_organization() for _ in range(3))
    carded(broken)
    carded(sound)
    customer_of(cardless)
    payments = [owing(organization) for organization in (broken, cardless, sound)]
    # An error that nobody foresaw, of the first organization's alone.
    del server.account.customers[customer_of(broken)]["invoice_settings"]
    collect_due(0)
    assert "payment.not_collected" in caplog.text
    assert [status_of(payment) for payment in payments] == ["pending", "pending", "paid"]
    later = owing(sound)
    server.fail("/v1/customers", "500", times=3)
    collect_due(0)
    assert status_of(later) == "pending"
    assert "payment_provider.unreachable" in caplog.text


def test_the_subscription_s_own_clock_stays_the_authority(server, alpha, subscribed, carded):
    start = day("2026-11-01")
    card = carded(alpha, "declined")
    subscription = subscribed(alpha, at=start)
    payment = Payment.objects.get(org=alpha)
    collect(payment, start)
    for days in (1, 3, 5, 7, 9):
        sweep(days_later(payment, days))
    assert len(attempts(payment)) == 5
    assert advance(subscription, days_later(payment, 14)).status == "past_due"
    server.account.behaviours[card] = "ok"
    with simulated(days_later(payment, 15)):
        collecting.pay_now(org_id=alpha.pk, payment_id=payment.pk, return_url="https://b.example/")
    subscription.refresh_from_db()
    assert subscription.status == "active"


def test_what_is_settled_or_void_is_left_alone(server, alpha, owing, carded):
    carded(alpha)
    paid, void = owing(alpha), owing(alpha)
    settling.settle(org_id=alpha.pk, payment_id=paid.pk, origin=ORIGIN)
    settling.void(org_id=alpha.pk, payment_id=void.pk, origin=ORIGIN)
    sweep(days_later(paid, 1))
    assert collect(paid, now=True) is None
    assert server.account.intents == {}


def test_a_payment_that_is_settled_meanwhile_keeps_no_other_back(
    server, alpha, owing, carded, monkeypatch
):
    first, second = owing(alpha), owing(alpha)
    carded(alpha)
    collect_one = collecting.collect

    def overtaken(**which):
        if which["payment_id"] == first.pk:
            settling.settle(org_id=alpha.pk, payment_id=first.pk, origin=ORIGIN)
        return collect_one(**which)

    monkeypatch.setattr(collecting, "collect", overtaken)
    assert collecting.collect_due() == 1
    assert attempts(first) == []
    assert status_of(second) == "paid"
