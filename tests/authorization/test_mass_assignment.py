"""No field beyond those that the contract gives a writer is taken: every other one is 400."""

import pytest

from orgbilling.lib.ids import uuid7
from tests.api_client import ApiClient, problem
from tests.authorization.calls import HOOK, HOOKS, body_of, path_of
from tests.authorization.table import ROWS
from tests.authorization.tenants import undone, written

# Every field of every shape of the contract, and what a caller might hope that a row has.
_NAMES = """
    id org_id org_name subscription_plan monthly_price currency billing_cycle status trial_ends_at
    current_period_start current_period_end cancel_at_period_end scheduled_plan canceled_at
    created_at updated_at
    total_credits allocated_credits used_credits held_credits available_credits
    monthly_refresh_amount last_refresh_date next_refresh_date allow_overage overage_limit
    overage_rate overage_used overage_used_period lifetime_purchased_credits lifetime_spent_amount
    user_id user_email user_name remaining_credits budget_credits lifetime_used_credits
    reset_period last_reset_date next_reset_date is_active allocated_by notes
    allocation_id credits_used overage_credits service_type service_name unit_price quantity
    price_version request_id metadata refunded_credits refund_of hold_id
    subscription_id event_type amount credits payment_status period_start period_end actor
    name display_name timezone role member_count email joined_at
    prefix scopes expires_at revoked_at last_used_at created_by key
    org user organization account_limit spending_until price_plan scheduled_cycle yearly_months
    is_superuser is_staff is_system_admin password external_id owner key_hash idempotency_key
    body_hash trial_days purchase_amount reference recurring pk _state __class__ constructor
    items atomic ttl_seconds final reason captured_credits released_credits expired_credits
    alert_threshold_percent alert_threshold_credits overage_returned settle_hash final_usage_id settled_at operation
    url description events disabled_reason disabled_at failing_since consecutive_failures resting_until last_success_at
    secret previous_secret previous_secret_until overlap_hours since endpoint_id event_id delivery_id attempts step
    looked by
"""
FIELDS = set(_NAMES.split())
# What the contract lets a caller send.
WRITABLE = {
    "POST subscriptions": "org_id subscription_plan billing_cycle trial_days monthly_price",
    "PUT subscriptions/{subscription_id}": "subscription_plan billing_cycle cancel_at_period_end",
    "PATCH subscriptions/{subscription_id}": "subscription_plan billing_cycle cancel_at_period_end",
    "POST credits/{org_id}/add": "credits purchase_amount currency reference notes",
    "POST credits/{org_id}/allocate": "user_id credits reset_period recurring notes",
    "POST credits/deduct": "org_id user_id service_name credits quantity service_type request_id "
    "metadata",
    "POST credits/deduct/batch": "items atomic",
    "POST credits/check": "org_id user_id service_name credits quantity",
    "POST credits/holds": "org_id user_id service_name credits quantity service_type request_id "
    "metadata ttl_seconds",
    "POST credits/holds/{hold_id}/capture": "org_id credits final metadata",
    "POST credits/holds/{hold_id}/release": "org_id",
    "POST credits/usage/{usage_id}/refund": "org_id credits reason",
    "POST credits/{org_id}/reclaim": "user_id credits notes",
    "PATCH credits/{org_id}/settings": "allow_overage overage_limit alert_threshold_percent "
    "alert_threshold_credits monthly_refresh_amount overage_rate account_limit",
    "POST organizations": "name display_name timezone",
    "POST organizations/{org_id}/members": "user_id email role",
    "PATCH organizations/{org_id}/members/{user_id}": "role",
    "POST organizations/{org_id}/api-keys": "name scopes expires_at",
    f"POST {HOOKS}": "url description events",
    f"PATCH {HOOK}": "url description events status",
    f"POST {HOOK}/rotate-secret": "overlap_hours",
    f"POST {HOOK}/test": "",
    f"POST {HOOK}/replay": "since",
    f"POST {HOOK}/deliveries/{{delivery_id}}/replay": "",
}
WRITERS = [row for row in ROWS if row.takes_body]
VALUES = ("1000000.00", 1_000_000, True, None)


def test_every_writer_is_listed():
    assert set(WRITABLE) == {str(row) for row in WRITERS}
    assert {name for names in WRITABLE.values() for name in names.split()} <= FIELDS


@pytest.mark.parametrize("row", WRITERS, ids=str)
def test_a_field_that_is_not_the_callers_is_refused_by_name(world, row):
    tenant = world.tenants["alpha"]
    body, path = body_of(row, tenant), path_of(row.route, tenant)
    root = ApiClient(user=world.system_admin)
    before = written()
    for number, field in enumerate(sorted(FIELDS - set(WRITABLE[str(row)].split()))):
        value = VALUES[number % len(VALUES)]
        document = problem(
            root.request(row.method, path, {**body, field: value}), 400, "unknown_field"
        )
        assert document["unknown_fields"] == [field]
    assert written() == before


@pytest.mark.parametrize("row", WRITERS, ids=str)
def test_an_organization_admin_meets_the_same(world, row):
    tenant = world.tenants["alpha"]
    body, path = body_of(row, tenant), path_of(row.route, tenant)
    client = ApiClient(user=tenant.owner)
    hoped = {"id", "status", "is_superuser", "total_credits", "payment_status", "created_at"}
    for field in sorted(hoped - set(WRITABLE[str(row)].split())):
        answer = client.request(row.method, path, {**body, field: str(uuid7())})
        problem(answer, 400, "unknown_field")


@pytest.mark.parametrize("row", WRITERS, ids=str)
def test_a_field_in_the_query_string_is_refused_as_well(world, row):
    tenant = world.tenants["alpha"]
    client = ApiClient(user=world.system_admin)
    before = written()
    for field in ("monthly_price", "org_id", "role", "credits"):
        path = f"{path_of(row.route, tenant)}?{field}=1"
        with undone():
            problem(client.request(row.method, path, body_of(row, tenant)), 400, "validation_error")
    assert written() == before
