"""Every route and method, called by every kind of caller of both tenants, against the table."""

import json

import pytest

from tests.api_client import problem
from tests.authorization.calls import prepare, send
from tests.authorization.routes import api_methods
from tests.authorization.table import CALLERS, ROWS
from tests.authorization.tenants import TENANTS, undone, written

CODES = {401: "not_authenticated", 403: "permission_denied"}


def test_every_route_and_method_has_a_row_and_every_row_a_route():
    routed = {(method, route) for route, methods in api_methods().items() for method in methods}
    rows = {(row.method, row.route) for row in ROWS}
    assert sorted(routed - rows) == [], "routes without a row"
    assert sorted(rows - routed) == [], "rows without a route"
    assert len(rows) == len(ROWS)


@pytest.mark.parametrize("name", TENANTS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_caller_is_answered_as_the_table_says(world, row, name):
    tenant = world.tenants[name]
    prepare(row, tenant)
    callers = world.callers(tenant, row.scope)
    before = written()
    answered = {}
    wrote = []
    for caller in CALLERS:
        with undone():
            response = send(row, tenant, callers[caller])
            answered[caller] = response.status_code
            if response.status_code in CODES:
                problem(response, response.status_code, CODES[response.status_code])
            refused = response.status_code >= 400
            if (refused or not row.writes) and written() != before:
                wrote.append(caller)
    assert answered == row.statuses
    assert wrote == []


@pytest.mark.parametrize("row", [row for row in ROWS if not row.writes], ids=str)
def test_head_is_answered_as_get_without_a_body(world, row):
    tenant = world.tenants["alpha"]
    callers = world.callers(tenant, row.scope)
    head = row._replace(method="HEAD")
    answers = {caller: send(head, tenant, callers[caller]) for caller in CALLERS}
    assert {caller: answer.status_code for caller, answer in answers.items()} == row.statuses
    assert {answer.content for answer in answers.values()} == {b""}


@pytest.mark.parametrize("name", TENANTS)
@pytest.mark.parametrize("row", [row for row in ROWS if not row.writes], ids=str)
def test_no_answer_holds_anything_of_the_other_tenant(world, row, name):
    tenant = world.tenants[name]
    foreign = world.other(tenant)
    ids = [foreign.org.pk, foreign.subscription.pk, foreign.api_key.pk, foreign.org.name]
    ids += [foreign.hold_id, foreign.usage_id]
    ids += [user.pk for user in foreign.people.values()]
    callers = world.callers(tenant, row.scope)
    everyones = {"stranger", "foreign_key", "system_key", "system_lacking", "system_admin"}
    for caller in set(CALLERS) - everyones:
        answer = send(row, tenant, callers[caller]).content.decode()
        assert [str(one) for one in ids if str(one) in answer] == [], caller


@pytest.mark.parametrize("name", TENANTS)
def test_who_lists_organizations_sees_their_own(world, name):
    tenant = world.tenants[name]
    callers = world.callers(tenant, "organizations:read")
    everything = {one.org.name for one in world.tenants.values()}
    foreign = {world.other(tenant).org.name}
    expected = dict.fromkeys(("stranger", "foreign_key"), foreign)
    expected |= dict.fromkeys(("system_key", "system_admin"), everything)
    mine = ("member", "billing_admin", "admin", "owner", "key", "key_only")
    expected |= {caller: {tenant.org.name} for caller in mine}
    seen = {
        caller: {
            row["name"]
            for row in json.loads(callers[caller].get("organizations").content)["results"]
        }
        for caller in expected
    }
    assert seen == expected


@pytest.mark.parametrize("name", TENANTS)
def test_a_member_reads_and_spends_their_own_credits_only(world, name):
    tenant = world.tenants[name]
    client = world.callers(tenant)["member"]
    owner = tenant.owner
    problem(client.get(f"credits/user/{owner.pk}"), 403, "permission_denied")
    problem(
        client.get(f"credits/{tenant.org.pk}/usage?user_id={owner.pk}"), 403, "permission_denied"
    )
    body = {"org_id": str(tenant.org.pk), "service_name": "x", "credits": 1}
    before = written()
    for user_id in (owner.pk, world.other(tenant).member.pk, tenant.org.pk):
        answer = client.post("credits/deduct", {**body, "user_id": str(user_id)})
        problem(answer, 403, "permission_denied")
    assert written() == before
    listed = json.loads(client.get(f"credits/{tenant.org.pk}/allocations").content)["results"]
    assert [row["user_id"] for row in listed] == [str(tenant.member.pk)]


@pytest.mark.parametrize("name", TENANTS)
def test_a_price_in_a_subscription_is_the_system_admins(world, name):
    tenant = world.tenants[name]
    row = next(row for row in ROWS if str(row) == "POST subscriptions")
    prepare(row, tenant)
    callers = world.callers(tenant, row.scope)
    body = {"org_id": str(tenant.org.pk), "subscription_plan": "platform", "monthly_price": "1.00"}
    answered = {}
    for caller in CALLERS:
        with undone():
            answered[caller] = callers[caller].post("subscriptions", body).status_code
    expected = dict.fromkeys(CALLERS, 403) | {"anonymous": 401, "system_admin": 201}
    assert answered == expected


@pytest.mark.parametrize("name", TENANTS)
def test_credits_are_given_away_by_whoever_runs_the_service_only(world, name):
    tenant = world.tenants[name]
    row = next(row for row in ROWS if str(row) == "POST credits/{org_id}/add")
    callers = world.callers(tenant, row.scope)
    answered = {}
    for caller in CALLERS:
        with undone():
            body = {"credits": 100, "purchase_amount": "0.00"}
            answer = callers[caller].post(f"credits/{tenant.org.pk}/add", body)
            answered[caller] = answer.status_code
    expected = dict.fromkeys(CALLERS, 403) | {
        "anonymous": 401,
        "system_admin": 201,
        "system_key": 201,
    }
    assert answered == expected


@pytest.mark.parametrize("name", TENANTS)
def test_only_an_owner_makes_or_unmakes_an_owner(world, name):
    tenant = world.tenants[name]
    callers = world.callers(tenant, "organizations:manage")
    people = f"organizations/{tenant.org.pk}/members"
    answered = {}
    for caller in (
        "member",
        "billing_admin",
        "admin",
        "key",
        "owner",
        "system_key",
        "system_admin",
    ):
        answers = []
        with undone():
            answers.append(
                callers[caller].post(people, {"email": "n@example.com", "role": "owner"})
            )
        with undone():
            answers.append(callers[caller].patch(f"{people}/{tenant.member.pk}", {"role": "owner"}))
        with undone():
            callers["owner"].post(people, {"email": "n@example.com", "role": "owner"})
            answers.append(callers[caller].patch(f"{people}/{tenant.owner.pk}", {"role": "member"}))
        with undone():
            callers["owner"].post(people, {"email": "n@example.com", "role": "owner"})
            answers.append(callers[caller].delete(f"{people}/{tenant.owner.pk}"))
        answered[caller] = [answer.status_code for answer in answers]
    refused = {caller: [403] * 4 for caller in ("member", "billing_admin", "admin", "key")}
    allowed = {caller: [201, 200, 200, 204] for caller in ("owner", "system_key", "system_admin")}
    assert answered == refused | allowed
