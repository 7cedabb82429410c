"""What callers learn about ids that aren't theirs, or nobody's, or no ids at all."""

import json

import pytest

from organizations.models import ApiKey, Member
from orgbilling.lib.ids import uuid7
from tests.api_client import problem
from tests.authorization.calls import body_of, path_of, prepare, send
from tests.authorization.table import CALLERS, ROWS
from tests.authorization.tenants import undone

IN_BODY = {
    "POST subscriptions",
    "POST credits/deduct",
    "POST credits/check",
    "POST credits/holds",
}
IN_ITEMS = {"POST credits/deduct/batch"}
OF_AN_ORGANIZATION = [
    row for row in ROWS if "{org_id}" in row.route or str(row) in IN_BODY | IN_ITEMS
]
OF_A_SUBSCRIPTION = [row for row in ROWS if "{subscription_id}" in row.route]
OF_A_HOLD = [row for row in ROWS if "{hold_id}" in row.route]
OF_A_WEBHOOK = [row for row in ROWS if "{endpoint_id}" in row.route]
REFUND = next(row for row in ROWS if "{usage_id}" in row.route)
WITH_AN_ID = [row for row in ROWS if "{" in row.route]
EVERYWHERE = {"system_key", "system_admin"}


def statuses(row, tenant, clients, **instead):
    found = {}
    for caller in CALLERS:
        with undone():
            found[caller] = send(row, tenant, clients[caller], **instead).status_code
    return found


@pytest.mark.parametrize("row", OF_AN_ORGANIZATION, ids=str)
def test_an_organization_that_is_not_ones_own_is_403_whether_or_not_it_exists(world, row):
    tenant = world.tenants["alpha"]
    clients = world.callers(tenant, row.scope)
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401}
    for caller in EVERYWHERE:
        expected[caller] = 404 if row.statuses[caller] < 300 else 403
    assert statuses(row, tenant, clients, org_id=uuid7()) == expected


@pytest.mark.parametrize("row", OF_AN_ORGANIZATION, ids=str)
def test_the_403_does_not_tell_whether_the_organization_exists(world, row):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant, row.scope)
    for caller in ("member", "owner", "key"):
        existing = problem(
            send(row, tenant, clients[caller], org_id=foreign.org.pk), 403, "permission_denied"
        )
        unknown = problem(
            send(row, tenant, clients[caller], org_id=uuid7()), 403, "permission_denied"
        )
        for document in (existing, unknown):
            del document["request_id"]
        assert existing == unknown


@pytest.mark.parametrize("row", OF_A_SUBSCRIPTION, ids=str)
def test_an_unknown_subscription_is_404_for_whoever_could_have_one(world, row):
    tenant = world.tenants["alpha"]
    clients = world.callers(tenant, row.scope)
    expected = dict.fromkeys(CALLERS, 404)
    expected |= {"anonymous": 401, "key_lacking": 403, "system_lacking": 403}
    assert statuses(row, tenant, clients, subscription_id=uuid7()) == expected


@pytest.mark.parametrize("row", OF_A_SUBSCRIPTION, ids=str)
def test_a_foreign_subscription_is_403(world, row):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant, row.scope)
    found = statuses(row, tenant, clients, subscription_id=foreign.subscription.pk)
    of_the_foreign = {"stranger", "foreign_key", *EVERYWHERE}
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401}
    assert found == expected | dict.fromkeys(of_the_foreign, 200)


@pytest.mark.parametrize("row", OF_A_HOLD, ids=str)
def test_an_unknown_hold_is_404_for_whoever_could_have_one(world, row):
    tenant = world.tenants["alpha"]
    clients = world.callers(tenant, row.scope)
    expected = dict.fromkeys(CALLERS, 404)
    expected |= {"anonymous": 401, "key_lacking": 403, "system_lacking": 403}
    assert statuses(row, tenant, clients, hold_id=uuid7()) == expected


@pytest.mark.parametrize("row", OF_A_HOLD, ids=str)
def test_a_foreign_hold_is_403(world, row):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant, row.scope)
    found = statuses(row, tenant, clients, hold_id=foreign.hold_id)
    of_the_foreign = {"stranger", "foreign_key", *EVERYWHERE}
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401}
    assert found == expected | dict.fromkeys(of_the_foreign, 200)


@pytest.mark.parametrize("row", OF_A_WEBHOOK, ids=str)
def test_an_endpoint_or_a_delivery_of_nobody_or_of_others_is_not_there(world, row):
    """The organization is in the path and says who may: what it doesn't have is 404, whoever has it."""
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant).delivery
    clients = world.callers(tenant, row.scope)
    expected = {caller: 404 if status < 300 else status for caller, status in row.statuses.items()}
    for endpoint_id in (uuid7(), foreign.endpoint_id):
        assert statuses(row, tenant, clients, endpoint_id=endpoint_id) == expected
    if "{delivery_id}" in row.route:
        for delivery_id in (uuid7(), foreign.pk):
            assert statuses(row, tenant, clients, delivery_id=delivery_id) == expected


def test_an_unknown_usage_row_is_404_for_whoever_could_refund_one(world):
    """A key that charges refunds its own: to it a row that is nowhere is not there, and not forbidden."""
    tenant = world.tenants["alpha"]
    clients = world.callers(tenant, REFUND.scope)
    expected = dict.fromkeys(CALLERS, 404) | {"anonymous": 401}
    assert statuses(REFUND, tenant, clients, usage_id=uuid7()) == expected


def test_a_foreign_usage_row_is_403(world):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant, REFUND.scope)
    found = statuses(REFUND, tenant, clients, usage_id=foreign.usage_id)
    of_the_foreign = {"stranger", "foreign_key", *EVERYWHERE}
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401}
    assert found == expected | dict.fromkeys(of_the_foreign, 201)


@pytest.mark.parametrize("row", [row for row in [*OF_A_HOLD, REFUND] if row.writes], ids=str)
def test_with_org_id_in_the_body_it_decides(world, row):
    """403 by the organization named; then what isn't there is 404, and 403 when it is somebody else's."""
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant, row.scope)
    good = row.statuses["owner"]
    ids = {
        "own": {"hold_id": tenant.hold_id, "usage_id": tenant.usage_id},
        "foreign": {"hold_id": foreign.hold_id, "usage_id": foreign.usage_id},
        "unknown": {"hold_id": uuid7(), "usage_id": uuid7()},
    }
    told = {}
    for org in (tenant.org.pk, foreign.org.pk, uuid7()):
        for named, one in ids.items():
            for extra in ({}, {"nope": 1}):
                body = body_of(row, tenant) | {"org_id": str(org)} | extra
                for caller in ("owner", "key_only", "system_key"):
                    with undone():
                        path = path_of(row.route, tenant, **one)
                        answer = clients[caller].post(path, body)
                        told[org, named, bool(extra), caller] = answer.status_code
    for (org, named, wrong, caller), status in told.items():
        everywhere = caller == "system_key"
        if org == tenant.org.pk:
            found = {"own": 400 if wrong else good, "foreign": 403, "unknown": 404}
            expected = 404 if everywhere and named == "foreign" else found[named]
        elif org == foreign.org.pk and everywhere:
            found = {"own": 404, "foreign": 400 if wrong else good, "unknown": 404}
            expected = found[named]
        else:
            expected = 404 if everywhere else 403
        assert status == expected, (org == tenant.org.pk, named, wrong, caller)


def test_an_unknown_person_is_403_unless_one_may_see_everybody(world):
    tenant = world.tenants["alpha"]
    row = next(row for row in ROWS if row.route == "credits/user/{user_id}")
    clients = world.callers(tenant, row.scope)
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401} | dict.fromkeys(EVERYWHERE, 404)
    assert statuses(row, tenant, clients, user_id=uuid7()) == expected


def test_somebody_of_another_organization_is_403_as_well(world):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    row = next(row for row in ROWS if row.route == "credits/user/{user_id}")
    clients = world.callers(tenant, row.scope)
    of_the_foreign = {"stranger", "foreign_key", *EVERYWHERE}
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401}
    found = statuses(row, tenant, clients, user_id=foreign.member.pk)
    assert found == expected | dict.fromkeys(of_the_foreign, 200)


def test_a_shared_person_is_seen_in_the_shared_organization_only(world):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    Member.objects.create(org=foreign.org, user=tenant.member, role="member")
    clients = world.callers(foreign, "credits:read")
    path = f"credits/user/{tenant.member.pk}"
    assert json.loads(clients["owner"].get(path).content)["allocations"] == []
    assert json.loads(clients["key"].get(path).content)["allocations"] == []
    seen = json.loads(clients["system_key"].get(path).content)["allocations"]
    assert [row["org_id"] for row in seen] == [str(tenant.org.pk)]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_member_of_another_organization_is_404_under_ones_own(world, method):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant, "organizations:manage")
    path = f"organizations/{tenant.org.pk}/members/{foreign.member.pk}"
    for caller in ("admin", "owner", "key", *EVERYWHERE):
        answer = clients[caller].request(
            method, path, {"role": "owner"} if method == "PATCH" else None
        )
        problem(answer, 404, "not_found")
    assert Member.objects.get(org=foreign.org, user=foreign.member).role == "member"


def test_a_key_of_another_organization_is_404_under_ones_own_and_lives_on(world):
    tenant = world.tenants["alpha"]
    foreign = world.other(tenant)
    clients = world.callers(tenant)
    path = f"organizations/{tenant.org.pk}/api-keys/{foreign.api_key.pk}"
    for caller in ("admin", "owner", "system_admin"):
        problem(clients[caller].delete(path), 404, "not_found")
    assert ApiKey.objects.get(pk=foreign.api_key.pk).revoked_at is None


@pytest.mark.parametrize("row", WITH_AN_ID, ids=str)
def test_a_malformed_id_is_404_for_everyone_signed_in(world, row):
    tenant = world.tenants["alpha"]
    clients = world.callers(tenant, row.scope)
    parameters = [part.strip("{}") for part in row.route.split("/") if part.startswith("{")]
    for parameter in parameters:
        for malformed in ("nonsense", f"{{{tenant.org.pk}}}", tenant.org.pk.hex, "%00"):
            path = path_of(row.route, tenant, **{parameter: malformed})
            for caller in ("stranger", "member", "owner", "key_lacking", "system_key"):
                answer = clients[caller].request(row.method, path, body_of(row, tenant))
                problem(answer, 404, "not_found")
            problem(clients["anonymous"].request(row.method, path), 401, "not_authenticated")


@pytest.mark.parametrize("row", [row for row in ROWS if str(row) in IN_BODY], ids=str)
@pytest.mark.parametrize("org_id", [None, 1, True, "", "nonsense", [], {}])
def test_an_org_id_in_the_body_that_is_no_uuid_is_400(world, row, org_id):
    tenant = world.tenants["alpha"]
    clients = world.callers(tenant, row.scope)
    prepare(row, tenant)
    for caller in set(CALLERS) - {"anonymous"}:
        answer = clients[caller].request(
            row.method, row.route, {**body_of(row, tenant), "org_id": org_id}
        )
        document = problem(answer, 400, "validation_error")
        assert [error["field"] for error in document["errors"]] == ["org_id"]
