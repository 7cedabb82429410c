"""PATCH /credits/{org_id}/settings."""

import pytest

from billing.models import BillingEvent
from credits.models import CreditPool
from organizations.choices import Role, Scope
from tests.api_client import ok, problem
from tests.factories import make_key, make_member


@pytest.fixture
def path(alpha):
    return f"credits/{alpha.pk}/settings"


@pytest.fixture
def owner(alpha, alice, client_for, subscribed):
    """Alice, owner of Alpha, which is on the plan Platform."""
    subscribed(alpha, "platform")
    return client_for(alice)


OWN = {
    "allow_overage": True,
    "overage_limit": 10_000,
    "alert_threshold_percent": 20,
    "alert_threshold_credits": 500,
}
OPERATOR = {"monthly_refresh_amount": 1_000, "overage_rate": "0.02", "account_limit": "2500.00"}


def changes():
    rows = BillingEvent.objects.filter(event_type="pool_settings_changed").order_by("id")
    return [row.metadata for row in rows]


def test_an_organization_decides_about_overage_and_alerts(alpha, owner, path):
    document = ok(owner.patch(path, OWN))
    assert {name: document[name] for name in OWN} == OWN
    assert document["account_limit"] == "1000.00"
    pool = ok(owner.get(f"credits/{alpha.pk}"))
    assert {name: document[name] for name in pool} == pool
    assert changes() == [
        {
            "before": {
                "allow_overage": False,
                "overage_limit": 0,
                "alert_threshold_percent": None,
                "alert_threshold_credits": None,
            },
            "after": OWN,
        }
    ]
    event = BillingEvent.objects.get(event_type="pool_settings_changed")
    assert event.actor.startswith("user:")
    assert event.subscription_id is not None


def test_what_stays_as_it_is_leaves_no_event(owner, path):
    ok(owner.patch(path, OWN))
    ok(owner.patch(path, OWN))
    ok(owner.patch(path, {}))
    assert len(changes()) == 1


def test_null_switches_an_alert_off_and_only_what_changed_is_kept(owner, path):
    ok(owner.patch(path, OWN))
    document = ok(owner.patch(path, {**OWN, "alert_threshold_percent": None}))
    assert document["alert_threshold_percent"] is None
    assert changes()[1] == {
        "before": {"alert_threshold_percent": 20},
        "after": {"alert_threshold_percent": None},
    }


def test_the_plan_s_ceiling_is_the_highest_limit(owner, path):
    answer = problem(owner.patch(path, {"overage_limit": 10_001}), 400, "validation_error")
    assert answer["errors"][0]["field"] == "overage_limit"
    assert "10000" in answer["errors"][0]["detail"]
    assert changes() == []


def test_without_a_live_plan_there_is_no_overage(alpha, alice, client_for, path):
    client = client_for(alice)
    problem(client.patch(path, {"overage_limit": 1}), 400, "validation_error")
    ok(client.patch(path, {"overage_limit": 0, "alert_threshold_credits": 7}))
    event = BillingEvent.objects.get(event_type="pool_settings_changed")
    assert event.subscription_id is None


def test_the_operator_decides_what_costs_the_operator(
    alpha, owner, path, system_admin, system_key, client_for
):
    document = ok(client_for(system_admin).patch(path, OPERATOR))
    assert {name: document[name] for name in OPERATOR} == OPERATOR
    assert CreditPool.objects.get(org=alpha).next_refresh_date is not None
    document = ok(client_for(system_key).patch(path, {"monthly_refresh_amount": 0}))
    assert document["next_refresh_date"] is None
    assert changes()[1] == {
        "before": {"monthly_refresh_amount": 1_000},
        "after": {"monthly_refresh_amount": 0},
    }


@pytest.mark.parametrize("name", OPERATOR)
def test_others_may_not(alpha, owner, path, alpha_key, client_for, name):
    for client in (owner, client_for(alpha_key)):
        answer = problem(client.patch(path, {name: OPERATOR[name]}), 403, "permission_denied")
        assert name in answer["detail"]
        problem(client.patch(path, {name: "nonsense", "x": 1}), 403, "permission_denied")
    assert changes() == []


def test_a_member_may_not_and_a_billing_admin_may(alpha, bob, path, client_for):
    problem(client_for(bob).patch(path, {}), 403, "permission_denied")
    ok(client_for(make_member(alpha, Role.BILLING_ADMIN).user).patch(path, {}))
    _, lacking = make_key(alpha, Scope.CREDITS_READ)
    problem(client_for(lacking).patch(path, {}), 403, "permission_denied")


@pytest.mark.parametrize(
    "body",
    [
        {"allow_overage": "yes"},
        {"allow_overage": None},
        {"overage_limit": -1},
        {"overage_limit": 1.0},
        {"overage_limit": None},
        {"alert_threshold_percent": 101},
        {"alert_threshold_percent": -1},
        {"alert_threshold_credits": 10**15 + 1},
        {"monthly_refresh_amount": True},
        {"monthly_refresh_amount": 10**15 + 1},
        {"overage_rate": "-1.00"},
        {"overage_rate": 1},
        {"account_limit": "10000000000.00"},
        {"overage_rate": "1000000.01"},
    ],
)
def test_what_is_no_setting_is_400(path, body, system_key, client_for):
    problem(client_for(system_key).patch(path, body), 400, "validation_error")


def test_an_unknown_field_is_named(path, system_key, client_for):
    problem(client_for(system_key).patch(path, {"limit": 1}), 400, "unknown_field")


def test_the_largest_values_are_kept(alpha, path, system_key, client_for):
    largest = {
        "monthly_refresh_amount": 10**15,
        "overage_rate": "1000000.00",
        "account_limit": "9999999999.99",
        "alert_threshold_credits": 10**15,
    }
    document = ok(client_for(system_key).patch(path, largest))
    assert {name: document[name] for name in largest} == largest
