"""What is taken away is gone with the next request."""

import re
from datetime import timedelta

import pytest

from organizations.models import ApiKey, User
from orgbilling.lib.clock import now
from tests.api_client import ApiClient, ok, problem
from tests.authorization.calls import send
from tests.authorization.table import ROWS
from tests.factories import make_key

# What is done to an organization, however it is named.
CONCERNED = re.compile(r"\{(org|hold|usage)_id\}|POST (subscriptions|credits/\w+(/batch)?)$")


@pytest.fixture
def alpha(world):
    return world.tenants["alpha"]


def test_a_revoked_key_is_401_everywhere(alpha):
    key, token = make_key(alpha.org)
    client = ApiClient(token=token)
    ok(client.get(f"credits/{alpha.org.pk}"))
    owner = ApiClient(user=alpha.owner)
    ok(owner.delete(f"organizations/{alpha.org.pk}/api-keys/{key.pk}"), 204)
    for row in ROWS:
        problem(send(row, alpha, client), 401, "authentication_failed")


def test_a_key_is_401_from_the_moment_it_expires(alpha):
    key, token = make_key(alpha.org, expires_at=now() + timedelta(hours=1))
    client = ApiClient(token=token)
    ok(client.get(f"credits/{alpha.org.pk}"))
    ApiKey.objects.filter(pk=key.pk).update(expires_at=now())
    for row in ROWS:
        problem(send(row, alpha, client), 401, "authentication_failed")


def test_an_account_switched_off_is_401_everywhere(alpha):
    client = ApiClient(user=alpha.owner)
    ok(client.get(f"credits/{alpha.org.pk}"))
    User.objects.filter(pk=alpha.owner.pk).update(is_active=False)
    for row in ROWS:
        problem(send(row, alpha, client), 401, "not_authenticated")


def test_a_system_admin_who_is_one_no_longer(world, alpha):
    client = ApiClient(user=world.system_admin)
    ok(client.get("billing/system"))
    User.objects.filter(pk=world.system_admin.pk).update(is_superuser=False)
    problem(client.get("billing/system"), 403, "permission_denied")
    problem(client.get(f"credits/{alpha.org.pk}"), 403, "permission_denied")


def test_a_removed_member_is_a_stranger(world, alpha):
    client = ApiClient(user=alpha.member)
    ok(client.get(f"credits/{alpha.org.pk}"))
    owner = ApiClient(user=alpha.owner)
    ok(owner.delete(f"organizations/{alpha.org.pk}/members/{alpha.member.pk}"), 204)
    for row in ROWS:
        if CONCERNED.search(str(row)):
            problem(send(row, alpha, client), 403, "permission_denied")
    problem(client.get(f"subscriptions/{alpha.subscription.pk}"), 403, "permission_denied")
    assert ok(client.get("organizations"))["results"] == []
    # What they were given and what they used stays theirs to see.
    assert ok(client.get(f"credits/user/{alpha.member.pk}"))["user_id"] == str(alpha.member.pk)


def test_a_removed_member_can_be_charged_no_more(alpha):
    key = ApiClient(token=make_key(alpha.org)[1])
    body = {
        "org_id": str(alpha.org.pk),
        "user_id": str(alpha.member.pk),
        "service_name": "x",
        "credits": 1,
    }
    ok(key.post("credits/deduct", body), 201)
    members = f"organizations/{alpha.org.pk}/members"
    ok(ApiClient(user=alpha.owner).delete(f"{members}/{alpha.member.pk}"), 204)
    problem(key.post("credits/deduct", body), 422, "not_a_member")


def test_a_lesser_role_counts_from_the_next_request(alpha):
    admin = ApiClient(user=alpha.people["admin"])
    path = f"organizations/{alpha.org.pk}/members"
    ok(admin.post(path, {"email": "one@example.com"}), 201)
    owner = ApiClient(user=alpha.owner)
    ok(owner.patch(f"{path}/{alpha.people['admin'].pk}", {"role": "billing_admin"}))
    problem(admin.post(path, {"email": "two@example.com"}), 403, "permission_denied")
    ok(admin.post(f"credits/{alpha.org.pk}/add", {"credits": 1}), 201)
    ok(owner.patch(f"{path}/{alpha.people['admin'].pk}", {"role": "member"}))
    problem(admin.post(f"credits/{alpha.org.pk}/add", {"credits": 1}), 403, "permission_denied")


def test_a_greater_role_too(alpha):
    member = ApiClient(user=alpha.member)
    path = f"organizations/{alpha.org.pk}/members"
    problem(member.get(f"billing/org/{alpha.org.pk}"), 403, "permission_denied")
    owner = ApiClient(user=alpha.owner)
    ok(owner.patch(f"{path}/{alpha.member.pk}", {"role": "billing_admin"}))
    ok(member.get(f"billing/org/{alpha.org.pk}"))
