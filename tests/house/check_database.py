"""Checks that need a database: migrations are complete and run on the oldest supported
PostgreSQL, squawk has no complaint about their SQL, plpgsql_check none about any function.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import NAME, Server
from tests.house import schema_docs

ROOT = Path(__file__).resolve().parent.parent.parent
OLDEST_BIN = Path("/usr/lib/postgresql/15/bin")
OURS = ("organizations", "credits", "billing", "web")
EXTENSION = Path("/usr/share/postgresql/15/extension/plpgsql_check.control")

# Every PL/pgSQL function of ours (procrastinate brings its own), and for a trigger function each table that it serves.
FUNCTIONS = """
    SELECT p.oid, p.oid::regprocedure::text, coalesce(t.tgrelid, 0),
           coalesce(t.tgrelid::regclass::text, '')
    FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
    LEFT JOIN (SELECT DISTINCT tgfoid, tgrelid FROM pg_trigger) t ON t.tgfoid = p.oid
    WHERE p.pronamespace = 'public'::regnamespace AND NOT starts_with(p.proname, 'procrastinate_')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 2, 4
"""
PROBLEMS = """
    SELECT * FROM plpgsql_check_function(
        %s::oid::regprocedure, relid => %s::oid::regclass, fatal_errors => false,
        extra_warnings => true, performance_warnings => false, security_warnings => true
    )
"""


def migrations() -> list[str]:
    """Migrates, and complains about models without a migration; returns complaints."""
    call_command("migrate", interactive=False, verbosity=0)
    try:
        call_command("makemigrations", check_changes=True, dry_run=True)
    except SystemExit:
        return ["A model has changed without a migration: manage.py makemigrations"]
    return []


def squawk(folder: Path) -> list[str]:
    """Lints the SQL of our migrations and the numbered SQL files; returns complaints."""
    files = []
    for app, name in sorted(MigrationLoader(connection).disk_migrations):
        if app in OURS:
            files.append(folder / f"{app}.{name}.sql")
            with files[-1].open("w", encoding="utf-8") as output:
                call_command("sqlmigrate", app, name, stdout=output, no_color=True)
    numbered = sorted(ROOT.glob("[a-z]*/**/sql/**/*.sql"))
    tool = [str(Path(sys.executable).with_name("squawk")), "--reporter", "gcc"]
    complaints = []
    for arguments in (["--no-assume-in-transaction", *map(str, files)], [*map(str, numbered)]):
        done = subprocess.run(
            tool + arguments, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            complaints.append(done.stdout + done.stderr)
    return complaints


def plpgsql(server: Server) -> list[str]:
    """Lets plpgsql_check read every function against the migrated schema; returns complaints."""
    with server.cluster().connect(NAME) as superuser:
        superuser.execute("CREATE EXTENSION plpgsql_check")
        functions = superuser.execute(FUNCTIONS).fetchall()
        complaints = []
        for oid, name, table_oid, table in functions:
            for (line,) in superuser.execute(PROBLEMS, [oid, table_oid]):
                complaints.append(f"{name} {table}: {line}")
    print(f"plpgsql_check read {len(functions)} functions")
    return complaints


def main() -> int:
    """Runs the checks on a throw-away PostgreSQL 15; returns the exit status."""
    if not (OLDEST_BIN / "initdb").exists() or not EXTENSION.exists():
        print(
            "PostgreSQL 15 with plpgsql_check is needed for `make check` (the tests do without):\n"
            "   apt-get install -y --no-install-recommends postgresql-15-plpgsql-check"
        )
        return 1
    os.environ["PG_BINDIR"] = str(OLDEST_BIN)
    os.environ["DJANGO_SETTINGS_MODULE"] = "orgbilling.settings"
    with tempfile.TemporaryDirectory(prefix="orgbilling-sql-") as home:
        server = Server(Path(home, "home"), THROW_AWAY_SETTINGS)
        server.acquire()
        try:
            os.environ["DATABASE_URL"] = server.url
            django.setup()
            complaints = (
                migrations() + squawk(Path(home)) + schema_docs.drift(write="--write" in sys.argv)
            )
            connections.close_all()
            complaints += plpgsql(server)
        finally:
            server.release()
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
