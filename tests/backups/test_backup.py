"""A backup counts when all of it is there, and never before."""

import json
import stat
import subprocess

import pytest
from django.core.management import CommandError, call_command

from billing.choices import BackupKind, BackupOutcome
from billing.models import BackupRun
from orgbilling.backups import dumping, folder, locks, programs, target
from orgbilling.backups.errors import BackupError, Busy
from tests.backups.conftest import killed_at, run

pytestmark = pytest.mark.django_db(transaction=True)

#: pg_dump writes two hundred bytes, and the command is killed meanwhile.
DURING = """
import django; django.setup()
from orgbilling.backups.programs import Programs
def _run(self, name, *args, env, stdout=None):
    stdout.write(b"PGDMP" * 40); stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
Programs.run = _run
"""


def test_a_backup_is_what_its_manifest_says(database, backup_dir, capsys):
    call_command("backup")
    (backup,) = folder.backups(database)
    backup.verify()
    facts = backup.manifest
    made = BackupRun.objects.get()
    assert (made.kind, made.outcome, made.detail) == (
        BackupKind.BACKUP,
        BackupOutcome.SUCCEEDED,
        "",
    )
    assert (made.file_name, made.bytes, made.sha256) == (
        backup.path.name,
        backup.path.stat().st_size,
        facts.sha256,
    )
    assert made.ledger_position == facts.position
    assert facts.position["credit_usage_attribution"]["rows"] > 5
    assert "billing.0011_backup_runs" in facts.migrations
    assert str(backup.path) in capsys.readouterr().out
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in backup_dir.iterdir()}
    assert modes == dict.fromkeys((".dump", ".json", ".sha256"), 0o600)
    assert stat.S_IMODE(backup_dir.stat().st_mode) == 0o700
    # As everybody's sha256sum reads it.
    checked = subprocess.run(
        ["sha256sum", "-c", f"{backup.path.name}.sha256"],
        cwd=backup_dir,
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "python",
    [
        DURING,
        killed_at("orgbilling.backups.dumping", "_check"),
        killed_at("orgbilling.backups.folder", "publish"),
    ],
    ids=["while it is dumped", "before it is checked", "before the manifest"],
)
def test_a_killed_backup_leaves_nothing_that_counts(database, backup_dir, python):
    ended = run("backup", backup_dir=backup_dir, database=database, python=python)
    assert ended.returncode == -9, ended.stderr
    assert folder.backups(database) == []
    assert list(backup_dir.iterdir()) != []
    assert BackupRun.objects.last_succeeded(BackupKind.BACKUP) is None
    dumping.back_up()
    assert len(folder.backups(database)) == 1
    assert len(list(backup_dir.iterdir())) == 3
    outcomes = list(BackupRun.objects.order_by("id").values_list("outcome", "detail"))
    assert outcomes == [("failed", "It was ended half-way."), ("succeeded", "")]


def test_two_at_once_are_refused(database):
    with target.connect() as other, other.transaction():
        locks.take_in_transaction(other, locks.BACKUP, "backup")
        with pytest.raises(Busy, match="Another backup of this database is at work"):
            dumping.back_up()
        assert not BackupRun.objects.exists()
    assert dumping.back_up().outcome == BackupOutcome.SUCCEEDED


def test_what_fails_is_kept_and_leaves_no_file(database, backup_dir, monkeypatch):
    monkeypatch.setenv("PG_BINDIR", "")
    monkeypatch.setattr(target, "environment", lambda: {"PGHOST": "/nowhere", "LC_ALL": "C"})
    with pytest.raises(CommandError, match="pg_dump failed"):
        call_command("backup")
    assert list(backup_dir.iterdir()) == []
    failed = BackupRun.objects.get()
    assert failed.outcome == BackupOutcome.FAILED
    assert "/nowhere" in failed.detail


def test_a_dump_without_the_ledger_is_no_backup(database, backup_dir, monkeypatch):
    real = programs.Programs.run

    def without_usage(self, name, *arguments, **options):
        if name == "pg_dump":
            arguments = (*arguments, "--exclude-table-data=credit_usage_attribution")
        return real(self, name, *arguments, **options)

    monkeypatch.setattr(programs.Programs, "run", without_usage)
    with pytest.raises(BackupError, match="The dump lacks credit_usage_attribution"):
        dumping.back_up()
    assert list(backup_dir.iterdir()) == []


def test_the_password_is_no_argument(database, backup_dir, monkeypatch, tmp_path):
    seen = tmp_path / "seen"
    fake = tmp_path / "bin"
    fake.mkdir()
    for name in ("pg_dump", "pg_restore"):
        tool = fake / name
        tool.write_text(
            "#!/bin/sh\n"
            f'[ "$1" = --version ] && echo "{name} (PostgreSQL) 99.1" && exit\n'
            f'echo "$PGPASSWORD: $0 $*" > {seen}\nexit 1\n'
        )
        tool.chmod(0o755)
    monkeypatch.setattr(programs, "candidates", lambda _program: [fake])
    real = target.parameters
    monkeypatch.setattr(
        target, "parameters", lambda name=None: {**real(name), "password": "s3cret"}
    )
    with pytest.raises(BackupError):
        dumping.back_up()
    password, _, command = seen.read_text().partition(": ")
    assert password == "s3cret"
    assert "s3cret" not in command
    assert "--snapshot=" in command


def test_an_older_pg_dump_is_refused(monkeypatch, tmp_path):
    for version in (14, 15):
        tools = tmp_path / str(version)
        tools.mkdir()
        for name in ("pg_dump", "pg_restore"):
            (tools / name).write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}.4"\n')
            (tools / name).chmod(0o755)
    monkeypatch.setattr(programs, "candidates", lambda _program: sorted(tmp_path.iterdir()))
    assert programs.programs_for(14).folder.name == "14"
    assert programs.programs_for(15).folder.name == "15"
    with pytest.raises(BackupError, match=r"PostgreSQL 18.*only version 15.*postgresql-client-18"):
        programs.programs_for(18)


def test_a_damaged_manifest_or_dump_does_not_count(database, backup_dir):
    dumping.back_up()
    (backup,) = folder.backups(database)
    with backup.path.open("ab") as file:
        file.write(b"more")
    assert folder.backups(database) == []
    with pytest.raises(BackupError, match="was cut off or changed"):
        folder.named(str(backup.path))
    path = folder.beside(backup.path, folder.MANIFEST)
    path.write_text(json.dumps({"format": 2}))
    with pytest.raises(BackupError, match="is of format 2"):
        folder.named(backup.path.name)
    path.write_text("{}")
    with pytest.raises(BackupError, match="is no manifest"):
        folder.named(backup.path.name)
    path.unlink()
    with pytest.raises(BackupError, match="There is no manifest"):
        folder.named(backup.path.name)
    with pytest.raises(BackupError, match=f"There is no backup other.dump.*{backup.path.name}"):
        folder.named("other.dump")
