"""Ten thousand random steps: the ledger does what the model says, and every equation holds after each."""

import pytest

from tests.model.running import forget, people, run_batch

STEPS = 10_000
EXAMPLES_A_BATCH = 25


@pytest.mark.django_db(transaction=True)
def test_the_ledger_is_what_the_model_says():
    people()
    steps, seed = 0, 1
    while steps < STEPS:
        steps += run_batch(EXAMPLES_A_BATCH, seed, shrink=True)[0]
        seed += 1
        forget()
