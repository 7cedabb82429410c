"""A ledger of a million usage rows backed up, restored and proved: `python -m tests.backups.big [ROWS]`.

On a PostgreSQL of its own with durable settings, which is removed afterwards.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import django

from orgbilling.embedded.server import Server
from tests.verification.big import fill, say


def main() -> int:
    """Fill, back up, drill, restore; print what each took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("rows", nargs="?", type=int, default=1_000_000)
    chosen = options.parse_args()
    server = Server(Path(tempfile.mkdtemp(prefix="orgbilling-big-")))
    server.acquire()
    try:
        os.environ["DATABASE_URL"] = server.url
        os.environ["BACKUP_DIR"] = str(server.home / "backups")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")
        django.setup()
        fill(chosen.rows)
        rehearse()
    finally:
        release()
        server.release()
        shutil.rmtree(server.home, ignore_errors=True)
    return 0


def rehearse() -> None:
    from orgbilling.backups import dumping, folder, restoring, target  # noqa: PLC0415
    from orgbilling.backups.drilling import drill  # noqa: PLC0415

    with target.connect() as connection:
        (size,) = connection.execute(
            "SELECT pg_size_pretty(pg_database_size(current_database()))"
        ).fetchone()
    say(f"database: {size}")
    say(f"backup: {dumping.back_up(say).seconds:.1f} s")
    say(f"drill: {drill(say=say).seconds:.1f} s")
    name = folder.backups(target.name())[0].path.name
    say(f"restore: {restoring.restore(name, restoring.Options(), say).seconds:.1f} s")


def release() -> None:
    from orgbilling.backups import target  # noqa: PLC0415

    target.release()


if __name__ == "__main__":
    sys.exit(main())
