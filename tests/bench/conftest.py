"""The bench in its tiniest form: everything that it does, once, and no figure that means anything."""

import pytest

from bench.plan import Plan


@pytest.fixture(scope="session")
def tiny() -> Plan:
    return Plan(
        "tiny",
        rows=300,
        rows_small=200,
        rounds=1,
        seconds=0.2,
        warm_seconds=0,
        organizations=4,
        users=3,
        crowd=5,
        connections=3,
        clients=(1, 2),
        workers=1,
        shared_buffers="32MB",
    )
