"""The variant of the running system: recognised, and all of its oddities mended."""

from datetime import UTC, datetime

import pytest

from billing.models import BillingEvent, Payment
from credits.models import Allocation, Usage
from organizations.models import Member, Organization, User
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.people import UserRow
from tests.importing.acme import Balances, balances, broken
from tests.importing.conftest import Predecessor, statements

pytestmark = pytest.mark.django_db

ID = "22222222-2222-4222-8222-222222222222"
LOST = "33333333-3333-4333-8333-333333333333"
PETER, MICHAEL, SAMIR = (
    "peter@initech.example",
    "michael@initech.example",
    "b0000000-0000-4000-8000-000000000004@opscenter.invalid",
)


def test_everything_is_brought_in_and_mended(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    outcome = running_system.import_(issuer="https://sso.example/realms/ops")
    assert outcome.variant == "running system"
    assert "credit_usage_attribution.created_at" in outcome.naive
    assert dict(outcome.mends.rows) == {
        "organization_renamed": 1,
        "organization_missing": 1,
        "role": 3,
        "user_merged": 1,
        "member_inactive": 1,
        "remaining_deviates": 1,
        "reset_period": 1,
        "fraction": 3,
        "currency": 1,
        "details": 1,
        "service_missing": 1,
        "unpaid": 1,
    }
    people = {PETER: (170, 30), MICHAEL: (120, 0)}
    assert balances(ID) == Balances(1_021, 701, people)
    assert balances(LOST) == Balances(70, 70, {})
    assert broken(ID) == broken(LOST) == []


def test_organizations_keep_their_ids_and_get_slugs(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.import_()
    initech = Organization.objects.get(pk=ID)
    assert (initech.name, initech.display_name) == ("initech-ltd", "Initech, Ltd.")
    assert initech.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert not initech.is_suspended
    lost = Organization.objects.get(pk=LOST)
    assert (lost.name, lost.is_suspended) == ("opscenter-33333333", True)


def test_people_of_one_address_are_one_without_a_password(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    there = User.objects.create_user("michael@initech.example", "a pass phrase", name="Mike")
    outcome = running_system.import_(issuer="https://sso.example/realms/ops")
    roles = dict(Member.objects.filter(org=ID).values_list("user__email", "role"))
    assert roles == {PETER: "admin", MICHAEL: "owner"}
    peter = User.objects.get(email=PETER)
    # Whose the address is, only the provider can say: see test_people.
    assert peter.external_id is None
    assert not peter.has_usable_password()
    there.refresh_from_db()
    # Somebody with a password is never linked to another's identity.
    assert (there.name, there.external_id) == ("Mike", None)
    assert (outcome.people_made, outcome.people_found) == (1, 2)


def test_an_account_that_is_here_is_never_linked_on_the_word_of_the_source(
    running_system: Predecessor,
) -> None:
    running_system.execute(statements("story_running"))
    admin = User.objects.create_superuser("root@service.example")
    invited = User.objects.create_user(PETER)
    running_system.execute(
        "UPDATE users SET email = 'Root@Service.example', keycloak_id = 'kc-evil' WHERE full_name = 'Michael'"
    )
    running_system.import_(issuer="https://sso.example/realms/ops")
    for user in (admin, invited):
        user.refresh_from_db()
        assert user.external_id is None
    assert not User.objects.filter(external_id__endswith="|kc-evil").exists()


def test_an_identity_that_the_source_does_not_name_is_not_guessed(
    running_system: Predecessor,
) -> None:
    running_system.execute(statements("story_running"))
    issuer = "https://sso.example/realms/ops"
    running_system.import_(issuer=issuer)
    signed_in = User.objects.sign_in_with(
        f"{issuer}|kc-michael", verified_email=MICHAEL, name="Michael"
    )
    assert signed_in == User.objects.get(email=MICHAEL)


def test_a_file_knows_addresses_that_the_database_does_not(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.execute("UPDATE organization_members SET is_active = true")
    known = UserRow(
        "b0000000-0000-4000-8000-000000000004", "Samir@Initech.example", "Samir", None, None
    )
    running_system.import_(users=(known,))
    assert Member.objects.filter(org=ID, user__email="samir@initech.example").exists()


def test_who_has_no_address_gets_a_placeholder(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.execute("UPDATE organization_members SET is_active = true")
    outcome = running_system.import_()
    assert outcome.mends.rows["user_without_email"] == 1
    assert Member.objects.filter(org=ID, user__email=SAMIR).exists()


def test_charges_keep_their_moments_ids_and_details(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.import_()
    first = Usage.objects.get(pk="e0000000-0000-4000-8000-000000000001")
    assert (first.credits_used, first.service_name) == (0, "unknown")
    assert first.metadata == {"text": "not json", "opscenter": {"credits": "0.9"}}
    assert first.request_id == "opscenter:e0000000-0000-4000-8000-000000000001"
    assert first.created_at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    second = Usage.objects.get(pk="e0000000-0000-4000-8000-000000000002")
    assert second.user.email == PETER
    assert second.metadata == {"a": "b"}
    # An id with a blank in it can't be a key.
    assert (second.request_id, second.idempotency_key) == ("req 9", None)


def test_allocations_reset_from_now_on(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.import_()
    peter = Allocation.objects.get(org=ID, user__email=PETER)
    assert (peter.reset_period, peter.budget_credits) == ("weekly", 200)
    michael = Allocation.objects.get(org=ID, user__email=MICHAEL)
    assert michael.reset_period == "monthly"


def test_history_is_told_and_nothing_of_it_is_owed(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.import_()
    bought, billed = BillingEvent.objects.filter(org=ID).order_by("created_at")
    assert bought.event_type == "imported"
    assert bought.notes == "Ops-Center: credit_purchase, 10.00 USD; Purchased 1000 credits"
    assert bought.created_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert billed.metadata["opscenter"]["amount"] == "50.00"
    assert billed.metadata["opscenter"]["currency"] == "EUR"
    assert not Payment.objects.filter(org=ID).exists()


def test_what_is_no_number_is_no_amount(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.execute(
        "UPDATE credit_usage_attribution SET credits_used = 'NaN' WHERE credits_used = 0.9;"
        "UPDATE organization_credit_pools SET used_credits = 'Infinity'"
    )
    outcome = running_system.import_()
    assert outcome.mends.rows["null_amount"] == 1
    assert broken(ID) == []


def test_an_amount_that_no_balance_holds_is_refused(running_system: Predecessor) -> None:
    running_system.execute(statements("story_running"))
    running_system.execute("UPDATE credit_usage_attribution SET credits_used = 10::numeric ^ 30")
    with pytest.raises(ImportRefusedError, match="more than can be kept here"):
        running_system.import_()
    assert not Organization.objects.exists()
