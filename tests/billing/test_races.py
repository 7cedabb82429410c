"""Many callers at the same moment, on connections of their own."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections
from django.http import HttpResponse

from billing import plan_change
from billing.models import BillingEvent, Payment, Subscription
from credits.models import CreditPool, JournalEntry
from orgbilling.lib.transactions import run
from tests.api_client import ApiClient
from tests.billing.conftest import ORIGIN

pytestmark = pytest.mark.django_db(transaction=True)
CALLERS = 20


def together(work: Callable[[int], object], times: int = CALLERS) -> list[object]:
    """Run the work in as many threads at the same moment; what each returned."""
    barrier = threading.Barrier(times)

    def start(number: int) -> object:
        barrier.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(start, range(times)))


def posted(token: str, path: str, body: object, **headers: str) -> HttpResponse:
    return ApiClient(token=token).post(path, body, **headers)


def test_twenty_at_once_subscribe_exactly_once(alpha, alpha_key):
    def subscribe(number: int) -> tuple[int, str | None]:
        body = {
            "org_id": str(alpha.id),
            "subscription_plan": ("platform", "byok", "hybrid")[number % 3],
            "trial_days": number % 2 * 14,
        }
        response = posted(alpha_key, "subscriptions", body)
        return response.status_code, response.json().get("code")

    answers = Counter(together(subscribe))
    assert answers == {(201, None): 1, (409, "subscription_exists"): CALLERS - 1}
    subscription = Subscription.objects.get(org=alpha)
    event = BillingEvent.objects.get(org=alpha)
    assert event.subscription_id == subscription.id
    assert CreditPool.objects.get(org=alpha).price_plan == subscription.plan_id


def test_twenty_at_once_with_one_key_are_one_request(alpha, alpha_key):
    body = {"org_id": str(alpha.id), "subscription_plan": "platform"}
    answers = together(lambda _: posted(alpha_key, "subscriptions", body, Idempotency_Key="storm"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == CALLERS - 1
    assert BillingEvent.objects.filter(org=alpha).count() == 1


def test_purchases_at_once_never_pass_the_account_limit_together(alpha, alpha_key):
    def buy(_: int) -> tuple[int, str | None]:
        # 90.00 each: eleven fit into 1000.00.
        response = posted(alpha_key, f"credits/{alpha.id}/add", {"credits": 9_000})
        return response.status_code, response.json().get("code")

    answers = Counter(together(buy))
    assert answers == {(201, None): 11, (409, "account_limit_exceeded"): CALLERS - 11}
    assert Payment.objects.unpaid_purchases(alpha.id) == Decimal("990.00")
    pool = CreditPool.objects.get(org=alpha)
    assert pool.total_credits == pool.lifetime_purchased_credits == 99_000
    assert pool.lifetime_spent_amount == Decimal("990.00")


def test_a_storm_of_one_key_adds_credits_once(alpha, system_key):
    answers = together(
        lambda _: posted(
            system_key, f"credits/{alpha.id}/add", {"credits": 100}, Idempotency_Key="storm"
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert CreditPool.objects.get(org=alpha).total_credits == 100
    assert JournalEntry.objects.filter(org=alpha).count() == 1
    assert BillingEvent.objects.filter(org=alpha).count() == 1


def test_one_key_with_two_bodies_at_once_is_one_request(alpha, system_key):
    def add(number: int) -> tuple[int, str | None]:
        response = posted(
            system_key,
            f"credits/{alpha.id}/add",
            {"credits": 100 + number % 2},
            Idempotency_Key="storm",
        )
        return response.status_code, response.json().get("code")

    answers = Counter(together(add))
    assert answers == {(201, None): CALLERS // 2, (422, "idempotency_key_reused"): CALLERS // 2}
    assert CreditPool.objects.get(org=alpha).total_credits in {100, 101}


def test_upgrades_at_once_are_charged_once(alpha, subscribed):
    subscription = subscribed(alpha, "platform")

    def upgrade(_: int) -> str:
        changed = run(
            lambda: plan_change.change(
                org_id=alpha.id,
                subscription_id=subscription.id,
                plan="hybrid",
                billing_cycle=None,
                origin=ORIGIN,
            )
        )
        return changed.plan_id

    assert set(together(upgrade)) == {"hybrid"}
    assert BillingEvent.objects.filter(event_type="subscription_upgraded").count() == 1


def test_cancellations_at_once_are_recorded_once(alpha, alpha_key, subscribed):
    subscription = subscribed(alpha)
    answers = together(
        lambda _: ApiClient(token=alpha_key).delete(f"subscriptions/{subscription.id}").status_code
    )
    assert Counter(answers) == {200: 1, 409: CALLERS - 1}
    assert BillingEvent.objects.filter(event_type="subscription_canceled").count() == 1


def test_purchases_and_cancellations_at_once_never_deadlock(alpha, alpha_key, system_key):
    def step(number: int) -> int:
        client = ApiClient(token=(alpha_key, system_key)[number % 2])
        if number % 4 < 2:
            return client.post(f"credits/{alpha.id}/add", {"credits": 1}).status_code
        body = {"org_id": str(alpha.id), "subscription_plan": "platform"}
        made = client.post("subscriptions", body)
        if made.status_code != 201:
            return made.status_code
        path = f"subscriptions/{made.json()['id']}"
        upgraded = client.put(path, {"subscription_plan": "hybrid"}).status_code
        return max(upgraded, client.delete(path).status_code)

    answers = Counter(together(step))
    assert set(answers) <= {200, 201, 409}
    assert answers[201] == CALLERS // 2
    assert CreditPool.objects.get(org=alpha).total_credits == CALLERS // 2
