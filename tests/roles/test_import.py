"""Importing is for the tables' owner: whoever serves requests can't write a past."""

import psycopg
import pytest

from orgbilling.supervisor.errors import StepFailed
from tests.roles.stage import APP, OWNER, Stage

#: Nobody answers there: an import that may begin gets as far as that.
NOWHERE = "postgresql:///nowhere?host=/nowhere"
MAKE = """
    INSERT INTO organizations (id, name, display_name, status, timezone, created_at, updated_at)
    VALUES (gen_random_uuid(), 'importing', 'Importing', 'active', 'UTC', now(), now())
"""
CALLS = (
    "SELECT import_pool(id, id, id, id, 5, 0, 0, 0, now(), 'system', 'test', '', '')",
    "SELECT import_usage(id, 'test', '[]')",
)


def test_only_the_owner_gets_as_far_as_the_source(stage: Stage) -> None:
    for role, said in ((APP, "import as the owner of the tables"), (OWNER, "can't be reached")):
        with pytest.raises(StepFailed) as failed:
            stage.manage(role, "import_opscenter", "--from", NOWHERE)
        assert said in str(failed.value)


@pytest.mark.parametrize("call", CALLS, ids=["pool", "usage"])
def test_the_functions_do_nothing_for_the_application(stage: Stage, call: str) -> None:
    with (
        stage.connect(APP) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        connection.transaction(),
    ):
        connection.execute(MAKE)
        connection.execute(f"{call} FROM organizations WHERE name = 'importing'")
