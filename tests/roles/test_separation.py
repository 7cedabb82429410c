"""With separated roles the service does all it does, and its password alone moves no credit past the ledger."""

import json

import psycopg
import pytest
from psycopg import errors

from orgbilling.embedded.cluster import SUPERUSER
from orgbilling.embedded.server import NAME
from orgbilling.roles.rules import HIDDEN_TABLES
from orgbilling.supervisor.errors import StepFailed
from tests.pooled.pooler import pooling
from tests.programs import needed
from tests.roles.stage import APP, BACKUP, NAMES, OWNER, PASSWORDS, READONLY

DONE = {
    "wrong": {},
    "renewals": 1,
    "invoices": 2,
    "holds": ["expired"],
    "pool": 1050,
    "remaining": 100,
}
#: What somebody with the application's password tries in psql.
HOSTILE = (
    "UPDATE user_credit_allocations SET remaining_credits = 1000000",
    "UPDATE user_credit_allocations SET used_credits = 0",
    "UPDATE organization_credit_pools SET total_credits = 1000000",
    "UPDATE organization_credit_pools SET overage_used_period = 0",
    "UPDATE organization_credit_pools SET org_id = org_id",
    "INSERT INTO user_credit_allocations (id) VALUES (gen_random_uuid())",
    "INSERT INTO credit_journal SELECT * FROM credit_journal",
    "INSERT INTO credit_usage_attribution SELECT * FROM credit_usage_attribution",
    "UPDATE credit_journal SET credits = 1",
    "UPDATE credit_usage_attribution SET credits_used = 0",
    "UPDATE credit_holds SET status = 'released'",
    "UPDATE org_billing_history SET amount = 0",
    "UPDATE invoices SET number = 1",
    "UPDATE payments SET amount = 0",
    "UPDATE audit_log SET action = 'x'",
    "UPDATE service_prices SET version = 9",
    "UPDATE django_migrations SET name = 'x'",
    "DELETE FROM user_credit_allocations",
    "DELETE FROM organization_credit_pools",
    "DELETE FROM credit_journal",
    "DELETE FROM credit_usage_attribution",
    "DELETE FROM org_billing_history",
    "DELETE FROM invoices",
    "DELETE FROM payments",
    "DELETE FROM audit_log",
    "DELETE FROM organizations",
    "DELETE FROM users",
    "TRUNCATE credit_journal",
    "TRUNCATE credit_usage_attribution CASCADE",
    "ALTER TABLE credit_journal DISABLE TRIGGER ALL",
    "ALTER TABLE user_credit_allocations DISABLE TRIGGER allocation_balance_door",
    "DROP TRIGGER allocation_balance_door ON user_credit_allocations",
    "CREATE TRIGGER mine BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION refuse_balance_change()",
    "ALTER TABLE user_credit_allocations DROP CONSTRAINT allocation_balances_not_negative",
    "DROP TABLE credit_journal",
    "CREATE TABLE public.mine (id int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TEMP TABLE organization_credit_pools (id int)",
    "CREATE SCHEMA mine",
    "DROP FUNCTION billing_now()",
    "CREATE OR REPLACE FUNCTION billing_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    "ALTER FUNCTION deduct_credits RESET ALL",
    "SET session_replication_role = replica",
    f"SET ROLE {OWNER}",
    f"SET SESSION AUTHORIZATION {OWNER}",
    f"GRANT {OWNER} TO {APP}",
    f"ALTER ROLE {APP} SUPERUSER",
    "SELECT rolpassword FROM pg_authid",
    "COPY credit_journal TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
)


def answered(said: str) -> dict[str, object]:
    (line,) = [line for line in said.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


def done(said: str) -> dict[str, object]:
    result = answered(said)
    assert set(result.pop("jobs")) == {"succeeded"}
    return result


def is_refused(connection, statement):
    """Whether the rights of who asks are too few for the statement; nothing of it stays."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except errors.InsufficientPrivilege:
        return True
    return False


def test_the_application_does_all_of_its_work(stage):
    assert done(stage.run(APP, "tests.roles.walk", "serve")) == DONE


def test_it_does_so_through_a_pooler_of_transactions(stage):
    program = needed("pgbouncer", "pgbouncer")
    with pooling(program, stage.home / "pooler", stage.server.sockets, APP) as pooler:
        url = pooler.url(NAME)
        # Whoever isn't told of it asks for what it can't have, and is refused rather than served without time limits.
        with pytest.raises(
            psycopg.OperationalError, match="unsupported startup parameter: options"
        ):
            psycopg.connect(url, options="-c lock_timeout=5000")
        said = stage.run(APP, "tests.roles.walk", "serve", DATABASE_URL=url, DB_POOLER="true")
        assert done(said) == DONE
        with psycopg.connect(url, autocommit=True) as connection:
            shown = {
                name: connection.execute(f"SHOW {name}").fetchone()[0]
                for name in ("lock_timeout", "statement_timeout", "TimeZone")
            }
    assert shown == {"lock_timeout": "5s", "statement_timeout": "30s", "TimeZone": "UTC"}


@pytest.mark.parametrize("door", ["", "SET orgbilling.door = 'open'"])
def test_its_password_alone_moves_no_credit(stage, door):
    with stage.connect(APP) as connection:
        if door:
            connection.execute(door)
        connection.execute("SET orgbilling.truncate = 'allowed'")
        passed = [statement for statement in HOSTILE if not is_refused(connection, statement)]
    assert passed == []


def test_its_clock_counts_for_nothing(stage):
    """A simulated future would bring resets and refreshes: credits out of nothing."""
    with stage.connect(APP) as connection:
        org, user = connection.execute(
            "SELECT a.org_id, a.user_id FROM user_credit_allocations a JOIN organizations o ON o.id = a.org_id"
            " WHERE o.name = 'overdue'"
        ).fetchone()
        connection.execute("SET orgbilling.now = '2099-01-01T00:00:00Z'")
        before = connection.execute("SELECT count(*) FROM credit_journal").fetchone()
        connection.execute("SELECT settle_due(%s, 10, 'test')", [org])
        connection.execute(
            "SELECT * FROM deduct_credits_with_pool(%s,%s,gen_random_uuid(),gen_random_uuid(),1,NULL,'x',NULL,'r',"
            "'{}',NULL,NULL,'test')",
            [org, user],
        )
        later = connection.execute(
            "SELECT max(last_reset_date) < now() FROM user_credit_allocations WHERE org_id = %s",
            [org],
        ).fetchone()
        assert connection.execute("SELECT count(*) FROM credit_journal").fetchone() == before
        assert later == (True,)


def test_who_looks_sees_no_secret_and_changes_nothing(stage):
    with stage.connect(READONLY) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM credit_journal").fetchone() == (True,)
        connection.execute("SELECT * FROM v_user_credit_status, v_org_billing_summary LIMIT 1")
        connection.execute("SELECT email FROM users")
        statements = [
            *(f"SELECT * FROM {table}" for table in sorted(HIDDEN_TABLES)),
            "SELECT password FROM users",
            "SELECT * FROM users",
            "UPDATE users SET name = 'x'",
            "INSERT INTO audit_log DEFAULT VALUES",
            "DELETE FROM rate_counters",
            "SELECT record_refusal(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
            "SELECT add_credits_to_pool(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)",
            "SELECT settle_due(NULL, 1, 'x')",
        ]
        passed = [statement for statement in statements if not is_refused(connection, statement)]
    assert passed == []


def test_who_backs_up_reads_everything_and_writes_nothing(stage):
    with stage.connect(BACKUP) as connection, connection.transaction():
        names = connection.execute(
            "SELECT oid::regclass::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')"
        ).fetchall()
        assert len(names) > 30
        for (name,) in names:
            connection.execute(f"SELECT * FROM {name} LIMIT 1")
    with stage.connect(BACKUP) as connection:
        for statement in ("DELETE FROM users", "INSERT INTO audit_log DEFAULT VALUES"):
            assert is_refused(connection, statement)


@pytest.mark.parametrize("role", [APP, BACKUP])
def test_a_backup_is_taken_without_the_owners_rights(stage, role):
    assert ".dump: " in stage.manage(role, "backup").splitlines()[-1]
    with stage.connect(OWNER) as connection:
        kept = connection.execute(
            "SELECT count(*) FROM backup_runs WHERE kind = 'backup' AND outcome = 'succeeded'"
        ).fetchone()
    assert kept[0] >= 1


def test_the_check_of_the_schema_knows_the_grants(stage):
    check = ("check_schema", "--app-role", APP)
    stage.manage(APP, *check)
    with stage.connect(OWNER) as owner:
        owner.execute(f"GRANT UPDATE ON credit_journal TO {APP}")
        owner.execute(f"REVOKE INSERT ON invoices FROM {APP}")
        owner.execute(f"GRANT UPDATE (total_credits) ON organization_credit_pools TO {APP}")
        owner.execute("ALTER FUNCTION deduct_credits SECURITY INVOKER")
        owner.execute("ALTER FUNCTION place_hold RESET orgbilling.now")
        owner.execute("GRANT EXECUTE ON FUNCTION capture_hold TO PUBLIC")
    with pytest.raises(StepFailed):
        stage.manage(APP, *check)
    found = stage.manage_log.read_text(encoding="utf-8")
    for said in (
        f"{APP} on credit_journal (may UPDATE",
        f"{APP} on invoices (may not INSERT)",
        f"{APP} on organization_credit_pools (may UPDATE total_credits)",
        "deduct_credits (runs with the caller's rights)",
        "place_hold (orgbilling.now is not pinned)",
        "capture_hold (can be called by everybody)",
    ):
        assert said in found
    # Which is what it is for, and as often as wanted.
    stage.manage(OWNER, "create_roles", *NAMES)
    stage.manage(APP, *check)


def test_a_password_is_kept_as_a_verifier_and_said_nowhere(stage):
    with stage.connect(SUPERUSER) as connection:
        kept = dict(connection.execute("SELECT rolname, rolpassword FROM pg_authid").fetchall())
    assert kept[APP].startswith("SCRAM-SHA-256$")
    for log in (stage.home / "logs").iterdir():
        assert PASSWORDS["DB_APP_PASSWORD"] not in log.read_text(errors="replace"), log


def test_who_may_not_changes_nothing_and_is_told(stage):
    for role, options, said in (
        (APP, [*NAMES], "may not do this"),
        (OWNER, [*NAMES[:-1], "somebody_new"], "may not do this"),
        (SUPERUSER, ["--app", APP], "SUPER"),
        (SUPERUSER, ["--owner", OWNER, "--app", SUPERUSER], "SUPER"),
        (SUPERUSER, ["--owner", OWNER, "--app", OWNER], "four names"),
    ):
        with pytest.raises(StepFailed) as failed:
            stage.manage(role, "create_roles", *options)
        assert said in str(failed.value)
    with stage.connect(SUPERUSER) as connection:
        made = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'somebody_new'")
        assert made.fetchone() == (0,)
