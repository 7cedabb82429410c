"""What is owed is collected by the default card: once, whatever happens on the way."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from billing import collecting, settling
from billing.errors import PaymentProviderUnavailable
from billing.jobs import collect_payment
from billing.models import BillingEvent, Payment, PaymentAttempt
from orgbilling.lib.errors import InvalidRequest, NotFound
from tests.billing.conftest import ORIGIN
from tests.billing.providers.conftest import attempts, collect, status_of

pytestmark = pytest.mark.django_db


def test_a_payment_is_asked_for_in_the_transaction_that_opens_it(server, alpha, owing):
    payment = owing(alpha)
    (job,) = ProcrastinateJob.objects.filter(task_name="billing.collect_payment")
    assert job.args == {"org_id": str(alpha.pk), "payment_id": str(payment.pk), "now": ""}


def test_where_nobody_collects_nothing_is_asked_for(alpha, owing):
    owing(alpha)
    assert not ProcrastinateJob.objects.filter(task_name="billing.collect_payment").exists()


def test_the_job_charges_the_card_and_settles_the_payment(server, alpha, owing, carded):
    card = carded(alpha)
    payment = owing(alpha)
    collect_payment(org_id=str(alpha.pk), payment_id=str(payment.pk))
    (intent,) = server.account.intents.values()
    assert (intent["amount"], intent["currency"], intent["payment_method"]) == (500, "usd", card)
    attempt = PaymentAttempt.objects.get()
    assert intent["metadata"] == {
        "org_id": str(alpha.pk),
        "payment_id": str(payment.pk),
        "attempt_id": str(attempt.pk),
    }
    assert (attempt.status, attempt.reference, attempt.duplicate) == (
        "succeeded", intent["id"], False,
    )  # fmt: skip
    assert status_of(payment) == "paid"
    received = BillingEvent.objects.get(event_type="payment_received")
    assert (received.actor, received.request_id) == ("system", f"attempt:{attempt.pk}")
    collect_payment(org_id=str(alpha.pk), payment_id=str(payment.pk))
    assert server.made("POST", "/v1/payment_intents") == 1


def test_a_subscription_s_charge_is_collected_too(server, alpha, subscribed, carded):
    carded(alpha)
    subscribed(alpha)
    payment = Payment.objects.get(org=alpha)
    collect(payment)
    assert status_of(payment) == "paid"
    (intent,) = server.account.intents.values()
    assert intent["amount"] == 5000


def test_without_a_card_it_stays_pending(server, alpha, owing):
    payment = owing(alpha)
    assert collect(payment) is None
    with pytest.raises(InvalidRequest):
        collecting.pay_now(org_id=alpha.pk, payment_id=payment.pk, return_url="https://a.example/")
    assert attempts(payment) == []


def test_a_declined_card_is_said_and_leaves_it_pending(server, alpha, owing, carded):
    carded(alpha, "declined")
    payment = owing(alpha)
    attempt = collect(payment)
    assert (attempt.status, attempt.failure_code) == ("failed", "insufficient_funds")
    assert attempt.failure_message == "Your card was declined."
    assert attempt.reference in server.account.intents
    assert status_of(payment) == "pending"
    # Not due: the job, delivered again, tries nothing.
    assert collect(payment) is None


def test_a_lost_answer_is_found_and_nothing_is_charged_twice(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    assert attempts(payment) == [(1, "started")]
    assert len(server.account.intents) == 1
    assert collect(payment).status == "succeeded"
    assert len(server.account.intents) == 1
    assert status_of(payment) == "paid"


def test_one_lost_answer_is_made_up_for_by_the_client_itself(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost", times=1)
    assert collect(payment).status == "succeeded"
    keys = {key for method, path, key in server.requests if path == "/v1/payment_intents"}
    assert keys == {f"payment-{payment.pk}-1"}
    assert len(server.account.intents) == 1


def test_a_lost_answer_is_found_after_the_keys_were_forgotten(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    server.forget_keys()
    assert collect(payment).status == "succeeded"
    assert len(server.account.intents) == 1


@pytest.mark.parametrize("fault", ["500", "cut"])
def test_what_never_reached_it_is_made_again_by_the_same_key(server, alpha, owing, carded, fault):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", fault)
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    assert server.account.intents == {}
    assert collect(payment).status == "succeeded"
    keys = [
        key
        for method, path, key in server.requests
        if (method, path) == ("POST", "/v1/payment_intents")
    ]
    assert keys == [f"payment-{payment.pk}-1"] * 4
    assert attempts(payment) == [(1, "succeeded")]


def test_the_key_of_another_request_is_a_refusal(server, alpha, owing, carded):
    carded(alpha)
    first, second = owing(alpha), owing(alpha)
    collect(first)
    attempt = PaymentAttempt.objects.get()
    charge = collecting._charge_of(attempt)
    other = collecting.providers.Charge(
        customer_id=charge.customer_id,
        method_id=charge.method_id,
        amount=999,
        currency="USD",
        key=charge.key,
        description=charge.description,
        metadata=charge.metadata,
    )
    answer = collecting.providers.current().charge(other)
    assert (answer.status, answer.failure_code) == ("failed", "IdempotencyError")
    assert status_of(second) == "pending"


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("where", ["before the call", "after the call", "while settling"])
def test_killed_between_two_steps_it_is_charged_once(
    server, alpha, owing, carded, monkeypatch, where
):
    carded(alpha)
    payment = owing(alpha)
    provider = collecting.providers.current()
    charge = provider.charge

    def die(*arguments, **options):
        raise Killed

    def die_after(*arguments, **options):
        charge(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        if where == "before the call":
            patch.setattr(provider, "charge", die)
        elif where == "after the call":
            patch.setattr(provider, "charge", die_after)
        else:
            patch.setattr(settling, "_record", die)
        with pytest.raises(Killed):
            collect(payment)
    assert attempts(payment) == [(1, "started")]
    assert status_of(payment) == "pending"
    assert collect(payment).status == "succeeded"
    assert len(server.account.intents) == 1
    assert attempts(payment) == [(1, "succeeded")]
    assert status_of(payment) == "paid"


def test_money_for_what_was_settled_meanwhile_is_marked(server, alpha, owing, carded, caplog):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    attempt = collect(payment)
    assert (attempt.status, attempt.duplicate) == ("succeeded", True)
    assert list(PaymentAttempt.objects.duplicates()) == [attempt]
    assert BillingEvent.objects.filter(event_type="payment_received").count() == 1
    assert "payment.paid_twice" in caplog.text


def test_money_for_what_was_given_up_meanwhile_is_marked(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    settling.void(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    assert collect(payment).duplicate
    assert status_of(payment) == "void"


def test_what_was_settled_before_the_charge_was_made_is_never_charged(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "cut")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    settling.settle(org_id=alpha.pk, payment_id=payment.pk, origin=ORIGIN)
    attempt = collect(payment)
    assert (attempt.status, attempt.failure_code) == ("failed", "not_made")
    assert server.account.intents == {}


def test_a_charge_of_another_amount_settles_nothing(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha)
    server.fail("/v1/payment_intents", "lost")
    with pytest.raises(PaymentProviderUnavailable):
        collect(payment)
    (intent,) = server.account.intents.values()
    intent["amount_received"] = 499
    with pytest.raises(collecting.AnswerMismatch, match="amount is 499, not 500"):
        collect(payment)
    assert status_of(payment) == "pending"


def test_an_unknown_payment_is_not_found(server, alpha, globex, owing, carded):
    carded(globex)
    payment = owing(alpha)
    with pytest.raises(NotFound):
        collecting.pay_now(org_id=globex.pk, payment_id=payment.pk, return_url="https://a.example/")
    assert collecting.collect(org_id=globex.pk, payment_id=payment.pk) is None


def test_amounts_too_small_are_refused_for_good(server, alpha, owing, carded):
    carded(alpha)
    payment = owing(alpha, credits=1)
    attempt = collect(payment)
    assert (attempt.status, attempt.failure_code) == ("failed", "amount_too_small")
    assert attempt.reference == ""
