"""The ledger without its guards: what somebody who owns the tables can do to them."""

from django.db import connection

# Foreign keys first: they lean on the unique constraints.
OFF = """
DO $$
DECLARE
    v_guard record;
BEGIN
    FOR v_guard IN
        SELECT c.conrelid::regclass AS owner, c.conname AS name FROM pg_constraint AS c
        WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('f', 'c', 'u') AND c.conrelid <> 0
        ORDER BY c.contype <> 'f'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v_guard.owner, v_guard.name);
    END LOOP;
    FOR v_guard IN
        SELECT i.indexrelid::regclass AS name FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND NOT i.indisprimary
    LOOP
        EXECUTE format('DROP INDEX %s', v_guard.name);
    END LOOP;
    FOR v_guard IN
        SELECT DISTINCT t.tgrelid::regclass AS owner FROM pg_trigger AS t WHERE NOT t.tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', v_guard.owner);
    END LOOP;
END
$$
"""


def take_away_all_guards() -> None:
    """Drop every constraint and disable every trigger, in the caller's transaction, which is rolled back."""
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(OFF)


def disable_triggers(*tables: str) -> None:
    """Let rows be written by hand past the triggers; constraints stay."""
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
