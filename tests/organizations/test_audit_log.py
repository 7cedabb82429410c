"""What the audit log keeps: who changed whom, in which request, in the same transaction."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from billing.models import Plan
from credits import holding, suspension
from credits.functions import Origin
from credits.holding import HoldOrder
from credits.models import Price, Service
from organizations.choices import Role
from organizations.models import ApiKey, AuditLogEntry, Member, Organization, User
from orgbilling.lib.ids import uuid7
from orgbilling.lib.sqlstate import of
from tests.api_client import ok
from tests.factories import as_principal, make_key, make_organization
from tests.ledger import charge

pytestmark = pytest.mark.django_db


def last(action):
    return AuditLogEntry.objects.filter(action=action).get()


def actions():
    return list(AuditLogEntry.objects.order_by("created_at", "id").values_list("action", flat=True))


@pytest.fixture
def console(system_admin):
    client = Client(headers={"X-Request-ID": "from-the-console"})
    client.force_login(system_admin)
    return client


def test_a_member_is_added_promoted_and_removed_through_the_api(alpha, alice, charlie, client_for):
    api = client_for(alice)
    ids = {"X_Request_ID": "req-7"}
    path = f"organizations/{alpha.pk}/members"
    ok(api.post(path, {"user_id": str(charlie.pk)}, **ids), 201)
    ok(api.patch(f"{path}/{charlie.pk}", {"role": "admin"}, **ids))
    assert api.delete(f"{path}/{charlie.pk}", **ids).status_code == 204
    added, changed, removed = (
        last(action) for action in ("member_added", "member_role_changed", "member_removed")
    )
    for row in (added, changed, removed):
        assert (row.org_id, row.subject_user_id, row.subject) == (
            alpha.pk,
            charlie.pk,
            "charlie@example.com",
        )
        assert (row.actor, row.request_id) == (f"user:{alice.pk}", "req-7")
    assert (added.before, added.after) == (None, {"role": "member"})
    assert (changed.before, changed.after) == ({"role": "member"}, {"role": "admin"})
    assert (removed.before, removed.after) == ({"role": "admin"}, None)


def test_the_same_role_again_leaves_no_entry(alpha, alice, bob):
    Member.objects.change_role(alpha.pk, bob.pk, Role.MEMBER, by=as_principal(alice))
    assert not AuditLogEntry.objects.filter(action="member_role_changed").exists()


def test_what_is_undone_leaves_no_entry(alpha, alice, charlie):
    before = actions()
    with pytest.raises(RuntimeError), transaction.atomic():
        Member.objects.add(alpha, charlie, by=as_principal(alice))
        raise RuntimeError
    assert actions() == before


def test_a_key_is_issued_and_revoked_once(alpha, alice):
    by = as_principal(alice)
    key, plaintext = ApiKey.objects.issue(alpha, name="worker", scopes=["credits:deduct"], by=by)
    assert ApiKey.objects.revoke(alpha.pk, key.pk, by=by)
    assert ApiKey.objects.revoke(alpha.pk, key.pk, by=by)
    issued, revoked = last("api_key_issued"), last("api_key_revoked")
    assert issued.after == {"scopes": ["credits:deduct"], "expires_at": None}
    assert {issued.actor, revoked.actor} == {f"user:{alice.pk}"}
    assert issued.subject == str(key)
    assert plaintext not in str(issued.after) + issued.subject
    make_key(None)
    assert AuditLogEntry.objects.filter(org=None).get().actor == "system"


def test_an_organization_is_opened_suspended_and_reactivated(alice, system_admin):
    organization = make_organization("fresh", owner=alice)
    opened = last("organization_opened")
    assert (opened.org_id, opened.subject, opened.actor) == (organization.pk, "fresh", "system")
    assert opened.after["owner"] == "alice@example.com"
    by = as_principal(system_admin)
    suspension.suspend(organization.pk, by=by, reason="Unpaid")
    suspension.suspend(organization.pk, by=by)
    suspension.reactivate(organization.pk, by=by)
    assert actions()[1:] == ["organization_suspended", "organization_reactivated"]
    assert last("organization_suspended").reason == "Unpaid"


def test_an_organization_opened_by_a_person_names_them(alice, client_for):
    ok(client_for(alice).post("organizations", {"name": "hers"}), 201)
    assert last("organization_opened").actor == f"user:{alice.pk}"


def test_the_console_tells_what_it_changed_of_organizations_and_people(
    console, system_admin, alpha, bob
):
    page = reverse("admin:organizations_organization_change", args=[alpha.pk])
    console.post(page, {"display_name": "Alpha Inc.", "timezone": "UTC"})
    edited = last("organization_edited")
    assert edited.before == {"display_name": "Test Org Alpha"}
    assert edited.after == {"display_name": "Alpha Inc."}
    assert (edited.actor, edited.request_id) == (f"user:{system_admin.pk}", "from-the-console")
    console.post(
        reverse("admin:organizations_user_change", args=[bob.pk]),
        {"email": bob.email, "name": "Bob", "is_superuser": "on", "external_id": ""},
    )
    changed = last("user_edited")
    assert (changed.org_id, changed.subject_user_id) == (None, bob.pk)
    assert changed.before == {"is_active": True, "is_superuser": False}
    assert changed.after == {"is_active": False, "is_superuser": True}


def test_the_console_tells_who_was_created(console):
    console.post(
        reverse("admin:organizations_user_add"),
        {"email": "dana@example.com", "name": "Dana", "usable_password": "false"},
    )
    created = last("user_created")
    assert created.before is None
    assert (created.subject, created.after["email"]) == ("dana@example.com", "dana@example.com")
    assert "password" not in created.after


def test_a_system_admin_made_at_the_command_line_is_told_of(db):
    boss = User.objects.create_superuser("Boss@Example.com")
    created = last("user_created")
    assert (created.actor, created.subject_user_id) == ("system", boss.pk)
    assert created.after == {"email": "boss@example.com", "is_superuser": True}


def test_the_console_tells_what_it_changed_of_the_catalogue(console):
    plan = Plan.objects.get(pk="byok")
    fields = ("name", "description", "monthly_price", "yearly_months", "credit_price")
    form = {name: str(getattr(plan, name)) for name in fields}
    form |= {"overage_ceiling": str(plan.overage_ceiling), "is_active": "on"}
    console.post(reverse("admin:billing_plan_change", args=["byok"]), {**form, "name": "Own key"})
    assert last("plan_edited").before == {"name": plan.name}
    console.post(reverse("admin:billing_plan_change", args=["byok"]), {**form, "name": "Own key"})
    assert AuditLogEntry.objects.filter(action="plan_edited").count() == 1

    service = Service.objects.first()
    console.post(
        reverse("admin:credits_service_change", args=[service.pk]),
        {"title": "Another title", "unit": service.unit},
    )
    assert last("service_edited").after == {"title": "Another title"}
    prices = {"platform_credits": 3, "byok_credits": 0, "hybrid_credits": 2}
    console.post(reverse("admin:credits_price_add"), {"service": service.pk, **prices})
    added = last("price_version_added")
    newest = Price.objects.filter(service=service).order_by("-version").first()
    assert (added.subject, added.org_id) == (f"{service.pk} v{newest.version}", None)
    assert added.after["platform_credits"] == 3


def test_a_person_who_releases_a_hold_is_told_of_and_a_service_is_not(funded, alice, bob):
    for actor, told in ((f"key:{uuid7()}", 0), (f"user:{alice.pk}", 1)):
        hold = holding.place(HoldOrder(charge(funded, bob, 30))).hold
        for _ in range(2):
            holding.release(
                org_id=funded.pk, hold_id=hold.pk, body_hash=b"h", origin=Origin(actor, "r")
            )
        rows = AuditLogEntry.objects.filter(action="hold_released")
        assert rows.count() == told
    row = rows.get()
    assert (row.actor, row.subject_user_id) == (f"user:{alice.pk}", bob.pk)
    assert row.after == {"hold_id": str(hold.pk), "held_credits": 30, "captured_credits": 0}


def test_it_is_only_added_to(alpha):
    row = AuditLogEntry.objects.create(
        org=alpha, action="x", actor="system", request_id="r", created_at=alpha.created_at
    )
    row.reason = "rewritten"
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        row.save()
    assert of(caught.value) == "OB020"
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditLogEntry.objects.filter(pk=row.pk).delete()


@pytest.mark.parametrize("wrong", [{"action": "Not this"}, {"actor": ""}])
def test_a_wrong_row_is_refused(alpha, wrong):
    right = {"action": "x", "actor": "system", "request_id": "r", "created_at": alpha.created_at}
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditLogEntry.objects.create(org=alpha, **right | wrong)
    assert Organization.objects.filter(pk=alpha.pk).exists()
