"""The demo: made through the managers, believable, and harmless when it is made twice."""

import json
import stat
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db.models import Sum

from billing.models import Invoice, Payment, Subscription
from credits.models import Allocation, CreditPool, JournalEntry, Usage
from organizations.choices import Scope
from organizations.models import ApiKey, Organization, User
from orgbilling.lib.clock import now
from tests.api_client import ok, problem


@pytest.fixture
def seeded(db, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def run():
        call_command("seed_demo", base_url="http://127.0.0.1:8084", stdout=StringIO())
        return json.loads((tmp_path / "demo.json").read_text())

    run.path = tmp_path / "demo.json"
    return run


def test_the_file_has_all_that_a_newcomer_needs(seeded):
    demo = seeded()
    assert set(demo) == {"base_url", "admin", "users", "organizations", "api_keys"}
    assert demo["base_url"] == "http://127.0.0.1:8084"
    assert set(demo["admin"]) == {"email", "password"}
    assert authenticate(
        username=demo["admin"]["email"], password=demo["admin"]["password"]
    ).is_superuser
    for user in demo["users"]:
        assert set(user) == {"id", "email", "password", "org_id", "role"}
    assert [org["name"] for org in demo["organizations"]] == ["Test Org Alpha", "Globex"]
    system, globex = demo["api_keys"]
    assert system["org_id"] is None
    assert globex["org_id"] == demo["organizations"][1]["id"]
    assert set(system["scopes"]) == set(globex["scopes"]) == set(Scope.values)
    assert stat.S_IMODE(seeded.path.stat().st_mode) == 0o600


def test_alpha_is_as_the_scenario_has_it(seeded):
    demo = seeded()
    alpha = Organization.objects.get(name="test-org-alpha")
    pool = CreditPool.objects.of(alpha.pk)
    assert (pool.total_credits, pool.available_credits) == (10_000, 8_500)
    roles = {
        user["email"]: user["role"] for user in demo["users"] if user["org_id"] == str(alpha.pk)
    }
    assert sorted(roles.values()) == ["member", "owner"]
    given = Allocation.objects.filter(org=alpha).values_list("user__email", "allocated_credits")
    assert {roles[email]: credits for email, credits in given} == {"owner": 1_000, "member": 500}
    assert Subscription.objects.get(org=alpha).plan_id == "platform"


def test_every_payment_has_its_invoice(seeded):
    seeded()
    alpha = Organization.objects.get(name="test-org-alpha")
    invoices = Invoice.objects.with_payment().filter(org=alpha).order_by("number")
    assert [(one.display_number, one.status) for one in invoices] == [
        ("TEST-ORG-ALPHA-0001", "paid"),
        ("TEST-ORG-ALPHA-0002", "paid"),
    ]
    assert invoices[0].document["buyer"]["name"] == "Test Org Alpha Inc."
    assert not Payment.objects.without_invoice().exists()
    seeded()
    assert Invoice.objects.filter(org=alpha).count() == 2


def test_usage_is_a_month_of_real_charges(seeded):
    seeded()
    rows = Usage.objects.all()
    assert rows.count() > 800
    assert rows.earliest("created_at").created_at < now() - timedelta(days=24)
    assert rows.latest("created_at").created_at <= now()
    assert rows.values("service_name").distinct().count() == 4
    for org in Organization.objects.all():
        pool = CreditPool.objects.of(org.pk)
        spent = rows.filter(org=org).aggregate(sum=Sum("credits_used"))["sum"]
        assert pool.used_credits == spent > 0
        left = Allocation.objects.filter(org=org).aggregate(sum=Sum("remaining_credits"))["sum"]
        assert pool.total_credits == pool.available_credits + left + spent


def test_a_second_run_charges_and_moves_nothing(seeded):
    first = seeded()
    before = (Usage.objects.count(), JournalEntry.objects.count(), User.objects.count())
    second = seeded()
    assert (Usage.objects.count(), JournalEntry.objects.count(), User.objects.count()) == before
    assert second["organizations"] == first["organizations"]
    assert ApiKey.objects.filter(revoked_at=None).count() == 2
    assert ApiKey.objects.authenticate(first["api_keys"][0]["key"]) is None
    assert ApiKey.objects.authenticate(second["api_keys"][0]["key"]) is not None


def test_the_keys_work(seeded, client_for):
    demo = seeded()
    alpha, globex = demo["organizations"]
    system, bound = (client_for(key["key"]) for key in demo["api_keys"])
    assert ok(system.get(f"credits/{alpha['id']}"))["total_credits"] == 10_000
    ok(bound.get(f"credits/{globex['id']}"))
    problem(bound.get(f"credits/{alpha['id']}"), 403, "permission_denied")
