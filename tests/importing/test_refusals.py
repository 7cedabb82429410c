"""What isn't known is not guessed, and what is here already is not touched."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from credits.models import CreditPool, Usage
from organizations.models import AuditLogEntry, Organization
from orgbilling.embedded.cluster import SUPERUSER
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.source import opened
from tests.api_client import ApiClient, ok, problem
from tests.factories import make_key, make_organization
from tests.importing.acme import ALICE, ID, balances
from tests.importing.conftest import Predecessor, statements
from tests.ledger import fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(migration_files: Predecessor) -> Predecessor:
    migration_files.execute(statements("cast"))
    return migration_files


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("DROP TABLE org_billing_history", "the table public.org_billing_history is missing"),
        (
            "ALTER TABLE user_credit_allocations DROP COLUMN remaining_credits, DROP COLUMN used_credits",
            "user_credit_allocations has no column used_credits",
        ),
        (
            "ALTER TABLE organization_credit_pools ALTER COLUMN total_credits TYPE text",
            "organization_credit_pools.total_credits is text, which is no number",
        ),
        (
            "ALTER TABLE org_billing_history RENAME TO h; CREATE VIEW org_billing_history AS SELECT * FROM h",
            "org_billing_history is no table but a view",
        ),
        ("CREATE TABLE django_migrations ()", "a database of this service"),
    ],
    ids=["no table", "no column", "another type", "a view", "our own"],
)
def test_a_schema_that_is_not_known_is_refused(acme: Predecessor, done: str, said: str) -> None:
    acme.execute("ALTER TABLE organization_credit_pools DROP COLUMN available_credits")
    acme.execute(done)
    with pytest.raises(ImportRefusedError, match=said):
        acme.import_()
    assert not Organization.objects.filter(pk=ID).exists()


def test_a_column_that_is_not_known_has_to_be_left_out_by_name(acme: Predecessor) -> None:
    acme.execute("ALTER TABLE user_credit_allocations ADD bonus_credits bigint")
    assert acme.import_(apply=False).unknown == ["user_credit_allocations.bonus_credits"]
    with pytest.raises(
        ImportRefusedError, match=r"--leave-out user_credit_allocations\.bonus_credits"
    ):
        acme.import_()
    acme.import_(left_out=frozenset({"user_credit_allocations.bonus_credits"}))
    assert balances().total == 10_000


CONNECTED = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = %s"
)


@contextmanager
def reader(predecessor: Predecessor) -> Iterator[tuple[Predecessor, Predecessor]]:
    """The database as its superuser sees it, and as a role of its own that may read all of it."""
    parts = conninfo_to_dict(predecessor.url)
    superuser = Predecessor(make_conninfo(**{**parts, "user": SUPERUSER}))
    name = f"reader_{secrets.token_hex(4)}"
    superuser.execute(f"CREATE ROLE {name} LOGIN")
    try:
        superuser.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        yield superuser, Predecessor(make_conninfo(**{**parts, "user": name}))
    finally:
        superuser.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        # Who drops the database may not end a superuser's connection, and the server notices a moment later that it is.
        deadline = time.monotonic() + 60
        while predecessor.execute(CONNECTED, [SUPERUSER]) != [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("REVOKE SELECT ON organization_members FROM {name}", "may not read organization_members"),
        (
            """REVOKE SELECT ON organization_credit_pools FROM {name};
            GRANT SELECT (org_id, total_credits, allocated_credits) ON organization_credit_pools TO {name}""",
            "may not read organization_credit_pools",
        ),
        ("ALTER TABLE credit_usage_attribution ENABLE ROW LEVEL SECURITY", "all of their rows"),
    ],
    ids=["a table", "some columns", "some rows"],
)
def test_what_may_not_be_read_is_not_taken_for_absent(
    acme: Predecessor, done: str, said: str
) -> None:
    with reader(acme) as (superuser, reading):
        assert reading.import_(apply=False).charges == 2
        superuser.execute(done.format(name=conninfo_to_dict(reading.url)["user"]))
        with pytest.raises(ImportRefusedError, match=said):
            reading.import_()
    assert not Organization.objects.exists()


def test_without_a_table_of_members_whoever_has_credits_is_one(acme: Predecessor) -> None:
    acme.execute("DROP TABLE organization_members")
    outcome = acme.import_()
    assert dict(outcome.mends.rows) == {"member_derived": 2, "owner_missing": 1}
    assert balances().available == 8_500


def test_a_dry_run_changes_nothing(acme: Predecessor) -> None:
    outcome = acme.import_(apply=False)
    assert outcome.charges == 2
    assert not Organization.objects.exists()
    assert not AuditLogEntry.objects.exists()


def test_a_second_run_imports_nothing_twice(acme: Predecessor) -> None:
    acme.import_()
    before = balances()
    outcome = acme.import_()
    assert (outcome.already, outcome.organizations, dict(outcome.mends.rows)) == ([ID], [], {})
    assert balances() == before


def test_only_the_organizations_that_are_named_come(acme: Predecessor) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    acme.execute(f"INSERT INTO organizations (id, name) VALUES ('{other}', 'other')")
    acme.import_(only=frozenset({other}))
    assert Organization.objects.get().name == "other"
    acme.import_()
    assert balances().total == 10_000
    with pytest.raises(ImportRefusedError, match="no organization nowhere"):
        acme.import_(only=frozenset({"nowhere"}))


def test_an_empty_organization_of_the_same_name_is_filled(acme: Predecessor) -> None:
    there = make_organization("acme")
    outcome = acme.import_()
    assert dict(outcome.mends.rows) == {"organization_found": 1}
    assert balances(there.pk).total == 10_000


def test_one_with_credits_is_refused(acme: Predecessor) -> None:
    there = make_organization("acme")
    fund(there, 5)
    with pytest.raises(
        ImportRefusedError, match=r"acme .* has credits, a subscription or a history"
    ):
        acme.import_()
    assert CreditPool.objects.get(org=there).total_credits == 5


def test_a_suspended_one_stays_suspended(acme: Predecessor) -> None:
    acme.execute("UPDATE organizations SET status = 'deleted'")
    outcome = acme.import_()
    assert outcome.mends.rows["organization_status"] == 1
    assert CreditPool.objects.get(org=ID).is_suspended


def test_the_source_can_not_be_changed(acme: Predecessor) -> None:
    with (
        opened(acme.url, "public") as source,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        source.connection.execute("UPDATE public.organization_credit_pools SET total_credits = 0")
    written = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del), pg_stat_clear_snapshot() FROM pg_stat_user_tables"
    contents = "SELECT md5(string_agg(t::text, '|' ORDER BY t.id)) FROM {} AS t"
    tables = ("organization_credit_pools", "user_credit_allocations", "credit_usage_attribution")
    before = [acme.execute(contents.format(table)) for table in tables]
    acme.execute("SELECT pg_stat_force_next_flush()")
    counted = acme.execute(written)
    acme.import_()
    assert [acme.execute(contents.format(table)) for table in tables] == before
    assert acme.execute(written) == counted


def test_a_request_that_was_charged_there_is_not_charged_again_here(acme: Predecessor) -> None:
    acme.execute(
        "INSERT INTO organization_subscriptions (org_id, subscription_plan, current_period_end)"
        f" VALUES ('{ID}', 'platform', now() + interval '9 days')"
    )
    acme.import_()
    before = balances()
    alice = Usage.objects.get(org=ID, request_id="req-1").user_id
    client = ApiClient(token=make_key(None, name="service")[1])
    request = {"org_id": ID, "user_id": str(alice), "credits": 100, "service_name": "gpt-4"}
    again = client.post("/credits/deduct", {**request, "request_id": "req-1"})
    problem(again, 422, "idempotency_key_reused")
    assert balances() == before
    ok(client.post("/credits/deduct", {**request, "request_id": "req-9"}), 201)
    assert balances().people[ALICE] == (600, 400)
