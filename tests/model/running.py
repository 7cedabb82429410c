"""Runs the machine in batches: each has a seed of its own, so that a failing one can be run again."""

from __future__ import annotations

import gc
from collections import Counter

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from credits.models import Price
from orgbilling.lib.clock import SETTING
from tests.factories import make_user
from tests.model.full_machine import FullMachine
from tests.model.machine import PEOPLE, LedgerMachine
from tests.model.state import prepare

Tally = Counter[tuple[str, str]]
STEPS_AN_EXAMPLE = 100
#: Rolled back rows stay in the tables until they are emptied.
LEDGER = (
    "credit_holds, credit_journal, credit_usage_attribution, idempotency_answers, "
    "credit_refusals, overage_periods, user_credit_allocations, organization_credit_pools, "
    "organization_members"
)


def people() -> None:
    """Commit whom every example knows, and read the catalogue's prices."""
    LedgerMachine.owner = make_user("model-owner@example.com", "Owner")
    LedgerMachine.people = [
        make_user(f"model-{number}@example.com", f"Member {number}") for number in range(PEOPLE)
    ]
    LedgerMachine.prices = {
        price.service_id: [
            (
                price.effective_from,
                {
                    "platform": price.platform_credits,
                    "byok": price.byok_credits,
                    "hybrid": price.hybrid_credits,
                },
            )
        ]
        for price in Price.objects.all()
    }


def run_batch(examples: int, number: int, *, shrink: bool = False) -> tuple[int, Tally]:
    """Run that many examples from the seed: how many steps were taken and compared, and what they were.

    Raises:
        AssertionError: the system and the model differ; the steps that lead there are in its notes.
    """
    prepare()
    LedgerMachine.tally.clear()
    LedgerMachine.steps = 0
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS_AN_EXAMPLE,
        database=None,
        deadline=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    # Nothing lives longer than its example, and looking for cycles takes a tenth of the time.
    gc.disable()
    try:
        run_state_machine_as_test(seed(number)(FullMachine), settings=chosen)
    finally:
        gc.enable()
        gc.collect()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, '', false)", [SETTING])
    return LedgerMachine.steps, Counter(LedgerMachine.tally)


def forget() -> None:
    """Empty the tables of what was rolled back; nothing in them is visible."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.truncate', 'allowed', true)")
        cursor.execute(f"TRUNCATE {LEDGER} CASCADE")
