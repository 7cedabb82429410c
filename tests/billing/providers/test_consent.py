"""Cards whose holder has to agree to a charge at the bank."""

import pytest

from billing import collecting, payment_methods, settling
from billing.jobs import collect_due
from billing.models import PaymentAttempt
from orgbilling.lib.clock import simulated
from tests.billing.conftest import ORIGIN
from tests.billing.providers.conftest import (
    attempts,
    collect,
    customer_of,
    days_later,
    status_of,
)

pytestmark = pytest.mark.django_db
BACK = "https://billing.example/admin/payments"


def pay(payment):
    return collecting.pay_now(org_id=payment.org_id, payment_id=payment.pk, return_url=BACK)


def test_with_nobody_there_it_waits_and_isn_t_tried_again(server, alpha, owing, carded):
    carded(alpha, "consent")
    payment = owing(alpha)
    attempt = collect(payment)
    assert (attempt.status, attempt.failure_code) == (
        "requires_action", "authentication_required",
    )  # fmt: skip
    with simulated(days_later(payment, 30)):
        collect_due(0)
    assert attempts(payment) == [(1, "requires_action")]


def test_the_holder_pays_now_and_agrees_at_the_bank(server, alpha, owing, carded):
    carded(alpha, "consent")
    payment = owing(alpha)
    first = collect(payment)
    outcome = pay(payment)
    assert outcome.redirect_url.startswith("https://hooks.stripe.com/redirect/pi_")
    assert server.account.intents[first.reference]["status"] == "canceled"
    assert attempts(payment) == [(1, "failed"), (2, "requires_action")]
    server.account.agree(outcome.attempt.reference)
    # Back on the page, which looks again.
    assert collect(payment).status == "succeeded"
    assert status_of(payment) == "paid"


def test_money_that_came_while_it_was_given_up_is_not_asked_for_again(server, alpha, owing, carded):
    carded(alpha, "consent")
    payment = owing(alpha)
    outcome = pay(payment)
    server.account.agree(outcome.attempt.reference)
    again = pay(payment)
    assert (again.attempt.pk, again.attempt.status) == (outcome.attempt.pk, "succeeded")
    assert len(server.account.intents) == 1
    assert status_of(payment) == "paid"


def test_what_was_settled_by_an_admin_is_given_up_at_the_bank(server, alpha, owing, carded):
    carded(alpha, "consent")
    payment = owing(alpha)
    reference = pay(payment).attempt.reference
    settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    collect_due(0)
    assert server.account.intents[reference]["status"] == "canceled"
    assert attempts(payment) == [(1, "failed")]


def test_another_card_takes_its_place(server, alpha, owing, carded):
    carded(alpha, "consent")
    payment = owing(alpha)
    collect(payment)
    other = server.account.add_card(customer_of(alpha))
    payment_methods.set_default(org_id=alpha.pk, method_id=other)
    assert collect(payment, now=True).status == "succeeded"
    assert PaymentAttempt.objects.get(payment=payment, number=2).method_id == other
    assert status_of(payment) == "paid"


def test_paying_now_without_consent_pays(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    outcome = pay(payment)
    assert (outcome.attempt.status, outcome.redirect_url) == ("succeeded", "")
    assert outcome.attempt.return_url == BACK
