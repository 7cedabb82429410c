"""What is known of a backup without opening it: a JSON file beside the dump, written last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from orgbilling.backups.errors import BackupError
from orgbilling.backups.position import Position

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one backup.

    `as_of`: the instant of its snapshot. `position`: how far the ledger was in it. `migrations`: those that
    were applied, as app.name. `server`, `pg_dump`: major versions. `bytes`, `sha256`: of the dump.
    """

    run_id: str
    database: str
    file_name: str
    as_of: datetime
    position: Position
    migrations: list[str]
    server: int
    pg_dump: int
    bytes: int
    sha256: str
    seconds: float
    format: int = FORMAT

    def text(self) -> str:
        """As it is written."""
        return json.dumps({**asdict(self), "as_of": self.as_of.isoformat()}, indent=2) + "\n"


def read(path: Path) -> Manifest:
    """Read one.

    Raises:
        BackupError: it is not there, or not one.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise BackupError(
                f"{path} is of format {found['format']}; this release reads {FORMAT}."
            )
        known = {field.name: found[field.name] for field in fields(Manifest)}
        return Manifest(**{**known, "as_of": datetime.fromisoformat(found["as_of"])})
    except OSError as exc:
        message = (
            f"There is no manifest {path}: {exc.strerror}. Without it a backup doesn't count; "
            "it lies beside the dump and goes wherever that goes."
        )
        raise BackupError(message) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise BackupError(f"{path} is no manifest of a backup: {exc!r}") from exc
