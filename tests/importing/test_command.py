"""The command as an operator runs it."""

import io
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from credits.models import LateUsage, ServiceCell, Usage
from credits.reports import Selection
from organizations.models import Organization, User
from tests.credits.rolled import as_reported, by_hand, day_of, settle
from tests.importing.acme import ID, balances, broken
from tests.importing.conftest import Predecessor, statements
from tests.service import ROOT


@pytest.fixture
def acme(migration_files: Predecessor) -> Predecessor:
    migration_files.execute(statements("cast"))
    return migration_files


def said(*arguments: str) -> str:
    output = io.StringIO()
    call_command("import_opscenter", *arguments, stdout=output, stderr=io.StringIO())
    return output.getvalue()


@pytest.mark.django_db
def test_a_dry_run_prints_what_would_be(acme: Predecessor, tmp_path: Path) -> None:
    acme.execute("UPDATE user_credit_allocations SET used_credits = 250 WHERE used_credits = 300")
    path = tmp_path / "report.json"
    text = said("--from", acme.url, "--report", str(path))
    assert "Dry run: nothing was changed." in text
    assert re.search(r"acme +10000 +10050 +9750 +9750 +250 +300", text)
    assert re.search(r"used_below_usage +1 rows +\+50 / 0", text)
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["applied"] is False
    assert report["kinds"]["used_below_usage"]["total"] == "50"
    (found,) = [mend for mend in report["mends"] if mend["kind"] == "used_below_usage"]
    assert (found["old"], found["new"], found["total"]) == ("250", "300", 50)
    assert not Organization.objects.exists()


@pytest.mark.django_db
def test_a_cleanly_kept_database_has_an_empty_list(acme: Predecessor, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    text = said("--from", acme.url, "--apply", "--yes", "--report", str(path))
    assert "Applied." in text
    assert json.loads(path.read_text(encoding="utf-8"))["mends"] == []
    assert balances().total == 10_000


@pytest.mark.django_db
@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_addresses_come_from_a_file(acme: Predecessor, tmp_path: Path, suffix: str) -> None:
    acme.execute("UPDATE organization_members SET user_id = 'kc-1' WHERE role = 'member'")
    acme.execute("UPDATE user_credit_allocations SET user_id = 'kc-1' WHERE used_credits = 0")
    path = tmp_path / f"users{suffix}"
    path.write_text(
        json.dumps(
            [
                {
                    "id": "kc-1",
                    "email": "Bob@Example.com",
                    "emailVerified": True,
                    "firstName": "Bob",
                    "lastName": "B.",
                }
            ]
        )
        if suffix == ".json"
        else "id,email,emailVerified,name\nkc-1,Bob@Example.com,true,Bob B.\n",
        encoding="utf-8",
    )
    arguments = ["--users", str(path), "--issuer", "https://sso", "--apply", "--yes"]
    said("--from", acme.url, *arguments)
    bob = User.objects.get(email="bob@example.com")
    assert (bob.name, bob.external_id) == ("Bob B.", "https://sso|kc-1")


UNREADABLE = (
    ("broken.json", "{"),
    ("object.json", '{"id": "kc-1"}'),
    ("deep.json", "[" * 100_000),
    ("no-id.json", '[{"id": null, "email": "a@b.example"}]'),
    ("names.json", '[{"id": "kc-1", "name": 7}]'),
    ("address.json", '[{"id": "kc-1", "email": ["a@b.example"]}]'),
    ("no-id.csv", "email,name\na@b.example,A\n"),
    ("large.csv", f"id,email,name\n1,a@b.example,{'x' * 200_000}\n"),
)


@pytest.mark.django_db
def test_refusals_say_what_would_help(acme: Predecessor, tmp_path: Path) -> None:
    for name, text in UNREADABLE:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CommandError, match="has to be a JSON list"):
            said("--from", acme.url, "--users", str(path))
    with pytest.raises(CommandError, match="1 to 32 small letters"):
        said("--from", acme.url, "--source", "The East")
    with pytest.raises(CommandError, match="where nobody can answer, say --yes"):
        said("--from", acme.url, "--apply")
    with pytest.raises(CommandError, match="can't be reached"):
        said("--from", "postgresql:///nowhere?host=/nowhere")


#: Lines of progress after which the import is killed: while it writes charges, and while it proves.
STAGES = ("10000 charges", "proving")
MANY = """
    INSERT INTO credit_usage_attribution (org_id, user_id, credits_used, service_type, request_id, created_at)
    SELECT org_id, user_id, 0, 'llm', 'many-' || n, created_at
    FROM user_credit_allocations, generate_series(1, 12000) AS n
    WHERE used_credits = 300
"""


def start(url: str) -> "subprocess.Popen[str]":
    """The command in a process of its own, on the database of the test."""
    server = urlsplit(os.environ["DATABASE_URL"])
    target = urlunsplit(server._replace(path=f"/{connection.settings_dict['NAME']}"))
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_opscenter", "--from", url, "--apply", "--yes"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": target},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def await_nobody() -> None:
    """Until the server has noticed that who was killed is gone."""
    deadline = time.monotonic() + 60
    at_work = (
        "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
    )
    with connection.cursor() as cursor:
        while cursor.execute(at_work).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_killed_anywhere_it_leaves_nothing_and_can_be_run_again(acme: Predecessor) -> None:
    acme.execute(MANY)
    for stage in STAGES:
        # Its last step has to wait for us, so that it is never done before it is killed.
        with transaction.atomic(), start(acme.url) as process:
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE audit_log IN SHARE MODE")
            assert process.stdout is not None
            assert any(stage in line for line in process.stdout), stage
            process.kill()
        await_nobody()
        assert not Organization.objects.exists()
        assert not Usage.objects.exists()
        assert not User.objects.exists()
    with start(acme.url) as process:
        output = process.communicate()[0]
    assert process.returncode == 0, output
    assert "12002 charges" in output
    assert balances().total == 10_000
    assert Usage.objects.filter(org=ID).count() == 12_002
    assert broken() == []
    # All of it is of the past, and summed up for reports like any other.
    settle(UUID(ID))
    of = Selection(datetime(2000, 1, 1, tzinfo=UTC), None, (UUID(ID),))
    assert as_reported(of.by_service(), "service_name") == by_hand(of, lambda one: one.service_name)
    assert as_reported(of.by_day(), "date") == by_hand(of, day_of())
    assert ServiceCell.objects.filter(org=ID).exists()
    assert not LateUsage.objects.exists()
    assert broken() == []
