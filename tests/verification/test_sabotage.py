"""Corruptions written by SQL with every guard gone: each is found, under its right name, and a clean ledger is clean.

What is done to one organization is never said of another.
"""

from dataclasses import dataclass

import pytest
from django.db import connection

from billing.verification import BILLING
from credits.verification import LEDGER, Violation, counted_in_one_query, verify
from organizations.models import Organization, User
from tests.ledger import funded
from tests.verification.guards import take_away_all_guards
from tests.verification.rows import billed_overage, copy, money_for_nothing
from tests.verification.story import Story, kinds, tell

pytestmark = pytest.mark.django_db

CHECKS = (*LEDGER, *BILLING)


@dataclass(frozen=True)
class Sabotage:
    """What is done, and the names of the equations that it breaks; the first of them is the one to look at."""

    sql: str
    broken: tuple[str, ...]


POOL = "UPDATE organization_credit_pools SET {} WHERE org_id = %(org)s"
ALICE = "UPDATE user_credit_allocations SET {} WHERE org_id = %(org)s AND user_id = %(alice)s"
USAGE = "UPDATE credit_usage_attribution SET {} WHERE org_id = %(org)s AND {}"
JOURNAL = "UPDATE credit_journal SET {} WHERE org_id = %(org)s AND {}"
HOLD = "UPDATE credit_holds SET {} WHERE org_id = %(org)s AND {}"
FIRST = "idempotency_key = 'first'"
CELL = """
    WITH rollup AS (
        INSERT INTO credit_usage_rollups (org_id, rolled_until, candidate_at, candidate_xid)
        VALUES (%(org)s, '2000-01-01', now(), 1)
    )
    INSERT INTO credit_usage_by_{} (org_id, grain, starts_at, {}, credits, requests)
    VALUES (%(org)s, '{}', '1999-12-31', {}, 5, 1)
"""

SABOTAGES = {
    "an hour of a service that no row explains": Sabotage(
        CELL.format("service", "service_name", "hour", "'x'"),
        ("rollup_service_hours", "rollup_service_days"),
    ),
    "an hour of a member that no row explains": Sabotage(
        CELL.format("user", "user_id", "hour", "%(alice)s"),
        ("rollup_user_hours", "rollup_user_days"),
    ),
    "a day of a service that no hour explains": Sabotage(
        CELL.format("service", "service_name", "day", "'x'"), ("rollup_service_days",)
    ),
    "a day of a member that no hour explains": Sabotage(
        CELL.format("user", "user_id", "day", "%(alice)s"), ("rollup_user_days",)
    ),
    "a horizon moved past rows that were not summed up": Sabotage(
        "WITH gone AS (DELETE FROM credit_usage_late WHERE org_id = %(org)s)"
        " INSERT INTO credit_usage_rollups (org_id, rolled_until, candidate_at, candidate_xid)"
        " VALUES (%(org)s, '3000-01-01', now(), 1)",
        ("rollup_service_hours", "rollup_user_hours"),
    ),
    "a balance raised": Sabotage(
        ALICE.format("remaining_credits = remaining_credits + 7"),
        ("allocation_remaining", "conservation"),
    ),
    "a balance moved from one member to another": Sabotage(
        """
        UPDATE user_credit_allocations SET remaining_credits = remaining_credits
            + CASE WHEN user_id = %(alice)s THEN 3 ELSE -3 END
        WHERE org_id = %(org)s AND user_id IN (%(alice)s, %(carol)s)
        """,
        ("allocation_remaining", "allocation_not_negative"),
    ),
    "credits minted without a grant": Sabotage(
        POOL.format("total_credits = total_credits + 100"),
        ("pool_total", "pool_available"),
    ),
    "credits allocated without a journal row": Sabotage(
        POOL.format("allocated_credits = allocated_credits + 1"),
        ("pool_allocated", "conservation", "pool_available"),
    ),
    "a negative balance": Sabotage(
        ALICE.format("remaining_credits = -1"),
        ("allocation_not_negative", "allocation_remaining", "conservation"),
    ),
    "the period's use raised": Sabotage(
        ALICE.format("used_credits = used_credits + 1"), ("allocation_used",)
    ),
    "the lifetime's use lowered": Sabotage(
        ALICE.format("lifetime_used_credits = lifetime_used_credits - 1"),
        ("allocation_lifetime", "allocation_used", "conservation"),
    ),
    "a charge made smaller": Sabotage(
        USAGE.format("credits_used = credits_used - 1", FIRST),
        ("allocation_lifetime", "allocation_remaining"),
    ),
    "a priced charge made smaller": Sabotage(
        USAGE.format("credits_used = credits_used - 1", "idempotency_key = 'priced'"),
        ("usage_price", "allocation_lifetime", "allocation_remaining"),
    ),
    "a price lost its quantity": Sabotage(
        USAGE.format("quantity = NULL", "idempotency_key = 'priced'"), ("usage_price",)
    ),
    "a charge deleted": Sabotage(
        "DELETE FROM credit_usage_attribution WHERE org_id = %(org)s AND idempotency_key = 'priced'",
        ("allocation_lifetime", "allocation_remaining"),
    ),
    "a refunded charge deleted": Sabotage(
        f"DELETE FROM credit_usage_attribution WHERE org_id = %(org)s AND {FIRST}",
        ("refund_of_charge", "allocation_lifetime", "allocation_remaining", "allocation_used"),
    ),
    "a charge written twice, key and all": Sabotage(
        copy("credit_usage_attribution", FIRST),
        ("usage_key_once", "allocation_lifetime", "allocation_remaining"),
    ),
    "a charge moved to another organization": Sabotage(
        USAGE.format("org_id = %(other)s", "idempotency_key = 'priced'"),
        ("usage_owner", "allocation_lifetime", "allocation_remaining"),
    ),
    "a charge moved to another member": Sabotage(
        USAGE.format("user_id = %(alice)s", "idempotency_key = 'priced'"), ("usage_owner",)
    ),
    "a refund above its charge": Sabotage(
        copy(
            "credit_usage_attribution",
            "operation = 'refund' AND t.credits_used = -20",
            credits_used="-331",
        ),
        ("refunds_bounded", "allocation_lifetime", "allocation_remaining", "allocation_used"),
    ),
    "more overage refunded than was drawn": Sabotage(
        USAGE.format("overage_credits = -26", "operation = 'refund' AND overage_credits < 0"),
        (
            "refunded_overage_bounded",
            "usage_amount",
            "allocation_remaining",
            "pool_overage",
        ),
    ),
    "a refund turned into a charge": Sabotage(
        USAGE.format("credits_used = 20", "operation = 'refund' AND credits_used = -20"),
        ("usage_amount", "allocation_lifetime", "allocation_remaining", "allocation_used"),
    ),
    "a grant deleted": Sabotage(
        "DELETE FROM credit_journal WHERE org_id = %(org)s AND kind = 'grant'",
        ("pool_total", "pool_available"),
    ),
    "an allocation's journal row deleted": Sabotage(
        """
        DELETE FROM credit_journal WHERE org_id = %(org)s AND kind = 'allocation' AND credits = 500
        """,
        ("pool_allocated", "allocation_remaining", "pool_available"),
    ),
    "a movement made larger": Sabotage(
        JOURNAL.format("credits = credits + 1", "kind = 'grant'"),
        ("journal_adds_up", "pool_total", "pool_available"),
    ),
    "before and after that don't follow": Sabotage(
        JOURNAL.format("available_after = available_after + 1", "kind = 'grant'"),
        ("journal_adds_up",),
    ),
    "a movement that there isn't": Sabotage(
        JOURNAL.format("kind = 'gift'", "kind = 'grant'"), ("journal_movement",)
    ),
    "a movement moved to another member": Sabotage(
        """
        UPDATE credit_journal SET allocation_id = (
            SELECT id FROM user_credit_allocations WHERE org_id = %(org)s AND user_id = %(alice)s
        ) WHERE org_id = %(org)s AND kind = 'allocation' AND credits = 500
        """,
        ("allocation_remaining",),
    ),
    "a movement moved to another organization": Sabotage(
        JOURNAL.format("org_id = %(other)s", "kind = 'allocation' AND credits = 500"),
        ("journal_owner", "allocation_remaining", "pool_allocated", "pool_available"),
    ),
    "a period reset twice": Sabotage(
        copy("credit_journal", "kind = 'reset' AND credits > 0"),
        (
            "reset_once",
            "pool_allocated",
            "pool_available",
            "allocation_remaining",
            "allocation_used",
        ),
    ),
    "a month refreshed twice": Sabotage(
        copy("credit_journal", "kind = 'refresh'"),
        ("refresh_once", "pool_total", "pool_available"),
    ),
    "a hold captured more than its rows say": Sabotage(
        HOLD.format(
            "captured_credits = captured_credits + 1, released_credits = released_credits - 1",
            "idempotency_key = 'job'",
        ),
        ("hold_captured",),
    ),
    "a capture deleted": Sabotage(
        """
        DELETE FROM credit_usage_attribution
        WHERE org_id = %(org)s AND operation = 'capture' AND credits_used = 30
        """,
        ("hold_captured", "allocation_lifetime", "allocation_remaining"),
    ),
    "a capture of another hold": Sabotage(
        USAGE.format("hold_id = gen_random_uuid()", "operation = 'capture' AND credits_used = 30"),
        ("capture_of_hold", "hold_captured"),
    ),
    "a settled hold that doesn't add up": Sabotage(
        HOLD.format("released_credits = released_credits + 1", "idempotency_key = 'job'"),
        ("hold_settled",),
    ),
    "a settled hold opened again": Sabotage(
        HOLD.format("status = 'pending'", "idempotency_key = 'job'"),
        ("hold_settled", "allocation_held"),
    ),
    "a pending hold made to vanish": Sabotage(
        "DELETE FROM credit_holds WHERE org_id = %(org)s AND idempotency_key = 'open'",
        ("allocation_held",),
    ),
    "a hold returned overage that it never drew": Sabotage(
        HOLD.format("overage_returned = 1", "idempotency_key = 'job'"),
        ("hold_overage", "allocation_remaining", "pool_overage"),
    ),
    "a hold written twice": Sabotage(
        copy("credit_holds", "idempotency_key = 'open'"), ("hold_key_once", "allocation_held")
    ),
    "a hold moved to another member": Sabotage(
        HOLD.format("user_id = %(bob)s", "idempotency_key = 'open'"), ("hold_owner",)
    ),
    "the counter of held credits off": Sabotage(
        ALICE.format("held_credits = held_credits + 1"),
        ("allocation_held", "allocation_remaining", "conservation"),
    ),
    "the counter of overage off": Sabotage(
        POOL.format("overage_used = overage_used + 1"),
        ("pool_overage", "conservation", "overage_periods"),
    ),
    "this period's overage forgotten": Sabotage(
        POOL.format("overage_used_period = 0"), ("overage_periods",)
    ),
    "overage above its limit": Sabotage(
        POOL.format("overage_limit = overage_used_period - 1"), ("overage_within_limit",)
    ),
    "a closed overage period invented": Sabotage(
        """
        INSERT INTO overage_periods (id, org_id, period_end, credits, rate, created_at)
        VALUES (gen_random_uuid(), %(org)s, now(), 5, 0.01, now())
        """,
        ("overage_periods",),
    ),
    "a closed overage period that nobody billed": Sabotage(
        """
        INSERT INTO overage_periods (id, org_id, period_end, credits, rate, created_at)
        VALUES (gen_random_uuid(), %(org)s, now() - interval '80 days', 5, 0.01, now())
        """,
        ("overage_billed", "overage_periods"),
    ),
    "overage billed that nobody drew": Sabotage(
        copy("org_billing_history", "true", event_type="'overage_charge'"), ("overage_charged",)
    ),
    "overage billed twice": Sabotage(
        billed_overage("0.05", times=2), ("overage_charged", "overage_periods")
    ),
    "overage billed at another price": Sabotage(
        billed_overage("0.04", times=1), ("overage_charged", "overage_periods")
    ),
    "an allocation active for no member": Sabotage(
        """
        UPDATE user_credit_allocations SET is_active = true
        WHERE org_id = %(org)s AND user_id = %(carol)s
        """,
        ("allocation_active_member",),
    ),
    "a pool deleted": Sabotage(
        "DELETE FROM organization_credit_pools WHERE org_id = %(org)s", ("pool_present",)
    ),
    "two live subscriptions": Sabotage(
        copy("organization_subscriptions", "true"), ("one_live_subscription",)
    ),
    "a key of the journal twice": Sabotage(
        """
        UPDATE credit_journal SET idempotency_key = 'k', body_hash = 'h'
        WHERE org_id = %(org)s AND kind = 'allocation'
        """,
        ("journal_key_once",),
    ),
    "a key of the billing history twice": Sabotage(
        """
        UPDATE org_billing_history SET operation = 'x', idempotency_key = 'k', body_hash = 'h'
        WHERE org_id = %(org)s
        """,
        ("history_key_once",),
    ),
    "an invoice's number passed over": Sabotage(
        "UPDATE invoices SET number = number + 1 WHERE org_id = %(org)s AND number > 1",
        ("invoice_numbers",),
    ),
    "a payment invoiced twice": Sabotage(
        copy("invoices", "t.number = 1", number="(SELECT max(number) + 1 FROM invoices)"),
        ("invoice_payment",),
    ),
    "an invoice of another amount": Sabotage(
        """
        UPDATE invoices SET document = jsonb_set(document, '{total}', '"0.01"')
        WHERE org_id = %(org)s AND number = 1
        """,
        ("invoice_payment",),
    ),
    "an invoice of no payment": Sabotage(
        "UPDATE invoices SET payment_id = gen_random_uuid() WHERE org_id = %(org)s AND number = 1",
        ("invoice_payment",),
    ),
    "money that settled nothing": Sabotage(money_for_nothing(), ("money_settles",)),
    "an answer stored twice": Sabotage(
        """
        INSERT INTO idempotency_answers (id, org_id, operation, key, body_hash, status, body, created_at)
        SELECT gen_random_uuid(), %(org)s, 'deduct', 'k', 'h', 402, '', now() FROM generate_series(1, 2)
        """,
        ("answer_key_once",),
    ),
}


@pytest.fixture
def story(alpha: Organization, alice: User, bob: User) -> Story:
    return tell(alpha, alice, bob)


def found() -> list[Violation]:
    return [violation for result in verify(CHECKS) for violation in result.violations]


def test_a_ledger_in_which_everything_happened_is_clean(story: Story) -> None:
    journal, usage, holds = kinds(story.org)
    assert journal == {"grant", "purchase", "refresh", "allocation", "reset", "reclaim"}
    assert usage == {"deduct", "capture", "refund"}
    assert holds == {"pending", "captured", "released", "expired"}
    assert found() == []


@pytest.mark.parametrize("what", SABOTAGES)
def test_a_sabotage_is_found(story: Story, globex: Organization, charlie: User, what: str) -> None:
    sabotage = SABOTAGES[what]
    take_away_all_guards()
    people = {"alice": story.alice.pk, "bob": story.bob.pk, "carol": story.carol.pk}
    with connection.cursor() as cursor:
        cursor.execute(
            sabotage.sql,
            {"org": story.org.pk, "other": globex.pk, **people},
        )
        assert cursor.rowcount > 0, "nothing was done"
    violations = found()
    named = {violation.check for violation in violations}
    assert named == set(sabotage.broken)
    # A row that was moved away is the other organization's trouble too; nothing else is.
    moved = "another organization" in what
    assert {one.org_id for one in violations} <= {story.org.pk} | ({globex.pk} if moved else set())
    first = next(one for one in violations if one.check == sabotage.broken[0])
    assert first.row_id
    assert first.expected != first.found
    counts = counted_in_one_query(CHECKS, org_id=story.org.pk)
    mine = {one.check: one.rows for one in violations if one.org_id == story.org.pk}
    assert {name: rows for name, rows in counts.items() if rows} == mine


def test_there_are_more_than_fourteen_kinds() -> None:
    assert len(SABOTAGES) >= 14
    assert {name for sabotage in SABOTAGES.values() for name in sabotage.broken} >= {
        check.name for check in CHECKS
    } - {"pool_not_negative"}


def test_two_organizations_are_told_apart(
    story: Story, globex: Organization, charlie: User
) -> None:
    funded(globex, charlie, charlie)
    take_away_all_guards()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE user_credit_allocations SET remaining_credits = -1")
    negative = [one for one in found() if one.check == "allocation_not_negative"]
    assert {one.org_id: one.rows for one in negative} == {story.org.pk: 3, globex.pk: 1}
    scoped = [
        violation
        for result in verify(CHECKS, org_ids=[globex.pk])
        for violation in result.violations
    ]
    assert {one.org_id for one in scoped} == {globex.pk}
