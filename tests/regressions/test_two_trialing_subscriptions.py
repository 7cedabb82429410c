"""The predecessor's unique index covered `active` only: two trials at once were accepted."""

import pytest
from django.db import transaction

from billing.errors import SubscriptionExists
from billing.models import BillingEvent, Subscription
from billing.subscribing import Order, subscribe
from tests.api_client import ok, problem
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere, attempt
from tests.ledger import ORIGIN
from tests.regressions.teeth import both, constraint, execute, guarded_by

one_live = constraint("organization_subscriptions", "organization_subscriptions_one_live_key")


def only_active():
    """The predecessor's index in place of ours."""

    class Index:
        def __enter__(self):
            execute(
                "CREATE UNIQUE INDEX predecessors ON organization_subscriptions (org_id) "
                "WHERE status = 'active'"
            )

        def __exit__(self, *_):
            execute("DROP INDEX predecessors")

    return Index()


def trial(org):
    return subscribe(organization=org, order=Order("platform", trial_days=14), origin=ORIGIN)


@pytest.mark.django_db
@guarded_by(index=both(one_live, only_active))
def test_a_second_trial_is_refused(alpha, alice, client_for):
    api = client_for(alice)
    body = {"org_id": str(alpha.pk), "subscription_plan": "platform", "trial_days": 14}
    ok(api.post("subscriptions", body), 201)
    again = api.post("subscriptions", body)
    assert Subscription.objects.filter(org=alpha).count() == 1
    problem(again, 409, "subscription_exists")
    assert BillingEvent.objects.filter(org=alpha).count() == 1
    assert broken(alpha.pk) == []


@pytest.mark.django_db(transaction=True)
@guarded_by(index=both(one_live, only_active))
def test_of_two_trials_at_the_same_moment_one_is_refused(alpha):
    with transaction.atomic():
        trial(alpha)
        other = Elsewhere(lambda: trial(alpha))
        assert other.is_stuck()
    second = other.result()
    assert Subscription.objects.filter(org=alpha).count() == 1
    assert isinstance(second, SubscriptionExists)
    assert broken(alpha.pk) == []


@pytest.mark.django_db
@pytest.mark.parametrize("second", ["trialing", "active", "past_due", "paused"])
@guarded_by(index=one_live)
def test_nor_are_two_live_ones_written_by_hand(alpha, second):
    trial(alpha)
    attempt(lambda: copy_by_hand(second))
    assert Subscription.objects.filter(org=alpha).count() == 1


def copy_by_hand(status):
    execute(
        """
        CREATE TEMPORARY TABLE copied ON COMMIT DROP AS SELECT * FROM organization_subscriptions;
        UPDATE copied SET id = gen_random_uuid(), status = %s;
        INSERT INTO organization_subscriptions SELECT * FROM copied
        """,
        status,
    )
