"""The rules name real tables and columns, agree with the triggers, and outlive a migration."""

import re

import pytest
from django.db import connection

from orgbilling.lib.sqlfiles import InstallSql
from orgbilling.roles.names import columns, rows, signatures
from orgbilling.roles.rules import (
    APPLICATION,
    BACKUP,
    ENTRANCES,
    HIDDEN_COLUMNS,
    HIDDEN_TABLES,
    may_update,
    of_application,
)

pytestmark = pytest.mark.django_db
REFUSING = """
    SELECT t.tgrelid::regclass::text, pg_get_triggerdef(t.oid) FROM pg_trigger t
    JOIN pg_proc p ON p.oid = t.tgfoid WHERE starts_with(p.proname, 'refuse_')
"""
WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM|FOR NO KEY UPDATE|FOR UPDATE)\b")


def test_every_table_and_column_that_is_named_exists():
    there = columns(connection)
    assert set(APPLICATION) | set(BACKUP) | HIDDEN_TABLES | set(HIDDEN_COLUMNS) <= set(there)
    for table, rule in APPLICATION.items():
        assert rule.columns | rule.but <= set(there[table]), table
    for table, hidden in HIDDEN_COLUMNS.items():
        assert hidden <= set(there[table])


def test_what_a_trigger_refuses_always_is_granted_to_nobody():
    """So that a new table of history isn't forgotten here."""
    for table, definition in rows(connection, REFUSING):
        rule = of_application(table)
        conditional = " WHEN " in definition
        events = definition.split(" ON ")[0]
        if "DELETE" in events and not conditional:
            assert "DELETE" not in rule.privileges, table
        if re.search(r"UPDATE(?! OF)", events) and not conditional:
            assert not any(may_update(rule, column) for column in columns(connection)[table])
        guarded = re.search(r"UPDATE OF (.*)$", events)
        if guarded is not None:
            for column in guarded[1].split(", "):
                assert not may_update(rule, column), f"{table}.{column}"
        if "INSERT" in events and "orgbilling.door" in definition:
            assert "INSERT" not in rule.privileges, table


def test_the_entrances_are_the_functions_that_the_code_calls_and_that_write(settings):
    called = set()
    base = settings.BASE_DIR
    for path in (*(base / "credits" / "functions").glob("*.py"), base / "organizations/events.py"):
        called |= set(re.findall(r"(?:FROM|SELECT) public\.(\w+)\(", path.read_text()))
    bodies = dict(
        rows(
            connection,
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND proname = ANY(%s)",
            list(called),
        )
    )
    assert set(bodies) == called
    calling = {name for name in called if WRITES.search(bodies[name])}
    assert calling <= set(ENTRANCES)
    assert set(ENTRANCES) <= called
    assert len(signatures(connection, ENTRANCES)) == len(ENTRANCES)


RIGHTS = """
    SELECT prosecdef, proconfig, proacl::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proname = 'deduct_credits'
"""


@pytest.mark.parametrize("direction", ["forwards", "backwards"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_function_that_a_migration_replaces_keeps_its_rights(version, direction):
    """Else the running service is refused between the migration and the grants."""
    (signature,) = signatures(connection, ("deduct_credits",))
    reader = "pg_read_all_stats"
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER FUNCTION {signature} SECURITY DEFINER;"
            f"ALTER FUNCTION {signature} SET search_path = pg_catalog, public, pg_temp;"
            f"ALTER FUNCTION {signature} SET lock_timeout = '5s';"
            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;"
            f"GRANT EXECUTE ON FUNCTION {signature} TO {reader}"
        )
    before = rows(connection, RIGHTS)
    # As a changed argument list has it: dropped and made again.
    operation = InstallSql(
        "credits",
        "functions",
        "deduct_credits",
        version=2,
        drop=f"public.{signature}",
        replaces=f"public.{signature}" if version == 1 else "",
    )
    with connection.schema_editor() as editor:
        step = getattr(operation, f"database_{direction}")
        step("credits", editor, None, None)
    after = rows(connection, RIGHTS)
    assert before[0][0] is True
    assert after[0][0] is True
    assert sorted(after[0][1]) == sorted(before[0][1])
    assert after[0][2] == before[0][2]


def test_where_roles_are_not_separated_a_migration_adds_no_rights():
    before = rows(connection, RIGHTS)
    (signature,) = signatures(connection, ("deduct_credits",))
    operation = InstallSql(
        "credits", "functions", "deduct_credits", version=2, drop=f"public.{signature}"
    )
    with connection.schema_editor() as editor:
        operation.database_forwards("credits", editor, None, None)
    assert rows(connection, RIGHTS) == before == [(False, None, None)]
