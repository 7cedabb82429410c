"""Who was refused what, over HTTP."""

from datetime import timedelta

import pytest

from credits.models import Refusal
from credits.models.refusal import OTHER_SERVICES, OTHERS
from organizations.choices import Role, Scope
from orgbilling.lib.clock import now
from tests.api_client import ok, problem
from tests.credits.test_deduct import PATH, body
from tests.factories import make_key, make_member

pytestmark = pytest.mark.django_db


def refusal(org, minutes_ago=0, **values):
    moment = now() - timedelta(minutes=minutes_ago)
    given = {
        "org": org,
        "day": moment.date(),
        "user_id": OTHERS,
        "service_name": OTHER_SERVICES,
        "code": "insufficient_credits",
        "refused_by": "allocation",
        "count": 1,
        "request_id": "r",
        "actor": "system",
        "first_at": moment,
        "last_at": moment,
    }
    return Refusal.objects.create(**given | values)


def listed(api, org, query=""):
    return ok(api.get(f"credits/{org.pk}/refusals{query}"))["results"]


def test_a_row_says_who_why_and_how_often(funded, bob, alpha_key, client_for):
    row = refusal(
        funded,
        user_id=bob.pk,
        service_name="company_enrichment",
        count=3,
        requested_credits=501,
        remaining_credits=500,
    )
    assert listed(client_for(alpha_key), funded) == [
        {
            "id": str(row.pk),
            "org_id": str(funded.pk),
            "day": row.day.isoformat(),
            "user_id": str(bob.pk),
            "service_name": "company_enrichment",
            "code": "insufficient_credits",
            "refused_by": "allocation",
            "count": 3,
            "requested_credits": 501,
            "remaining_credits": 500,
            "request_id": "r",
            "actor": "system",
            "first_at": row.first_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "last_at": row.last_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ]


def test_what_is_not_kept_apart_is_null(funded, alpha_key, client_for):
    refusal(funded)
    (row,) = listed(client_for(alpha_key), funded)
    assert (row["user_id"], row["service_name"]) == (None, None)
    assert (row["requested_credits"], row["remaining_credits"]) == (None, None)


def test_the_last_refused_first_in_pages(funded, globex, alpha_key, client_for):
    for minutes in (3, 1, 2):
        refusal(funded, minutes, request_id=f"r{minutes}", service_name=f"s{minutes}")
    refusal(globex, request_id="foreign")
    api = client_for(alpha_key)
    assert [row["request_id"] for row in listed(api, funded)] == ["r1", "r2", "r3"]
    first = ok(api.get(f"credits/{funded.pk}/refusals?page_size=2"))
    assert [row["request_id"] for row in first["results"]] == ["r1", "r2"]
    second = ok(api.get(first["next"].split("/api/v1/org-billing/")[1]))
    assert [row["request_id"] for row in second["results"]] == ["r3"]
    assert second["next"] is None
    problem(api.get(f"credits/{funded.pk}/refusals?nope=1"), 400, "validation_error")


def test_a_refused_charge_is_listed(funded, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    for _ in range(2):
        problem(api.post(PATH, body(funded, bob, 501)), 402, "insufficient_credits")
    (row,) = listed(api, funded)
    assert (row["user_id"], row["service_name"]) == (str(bob.pk), "company_enrichment")
    assert (row["code"], row["count"]) == ("insufficient_credits", 2)
    assert (row["requested_credits"], row["remaining_credits"]) == (501, 500)
    assert row["actor"].startswith("key:")


def test_who_may(funded, alice, bob, charlie, system_admin, system_key, client_for):
    path = f"credits/{funded.pk}/refusals"
    problem(client_for().get(path), 401, "not_authenticated")
    problem(client_for(bob).get(path), 403, "permission_denied")
    problem(client_for(charlie).get(path), 403, "permission_denied")
    problem(
        client_for(make_key(funded, Scope.CREDITS_DEDUCT)[1]).get(path), 403, "permission_denied"
    )
    admin = make_member(funded, Role.BILLING_ADMIN).user
    reader = make_key(funded, Scope.CREDITS_READ)[1]
    for caller in (alice, admin, system_admin, system_key, reader):
        ok(client_for(caller).get(path))
    unknown = "credits/00000000-0000-4000-8000-000000000000/refusals"
    problem(client_for(system_key).get(unknown), 404, "not_found")
    problem(client_for(alice).get(unknown), 403, "permission_denied")
