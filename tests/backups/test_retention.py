"""Which backups are deleted: by age and number, and never the only good one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orgbilling.backups.folder import Backup, outlived
from orgbilling.backups.manifest import Manifest, read

NOW = datetime(2026, 3, 1, 2, 17, tzinfo=UTC)


def backup(days: int) -> Backup:
    facts = Manifest(
        run_id="r",
        database="d",
        file_name=f"{days}.dump",
        as_of=NOW - timedelta(days=days),
        position={},
        migrations=[],
        server=18,
        pg_dump=18,
        bytes=1,
        sha256="0" * 64,
        seconds=1.0,
    )
    return Backup(Path(facts.file_name), facts)


@pytest.mark.parametrize(
    ("ages", "days", "last", "deleted"),
    [
        ([0, 1, 2, 3], 14, 1, []),
        ([0, 13, 14, 15, 16], 14, 1, [15, 16]),
        ([20, 21, 22], 14, 2, [22]),
        ([20], 1, 1, []),
        ([20, 30], 1, 0, [30]),
        ([], 1, 1, []),
    ],
)
def test_what_is_outlived(ages, days, last, deleted):
    found = outlived([backup(age) for age in reversed(ages)], now=NOW, days=days, last=last)
    assert [one.path.name for one in found] == [f"{age}.dump" for age in deleted]


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    facts = backup(3).manifest
    (tmp_path / "m").write_text(facts.text())
    assert read(tmp_path / "m") == facts
