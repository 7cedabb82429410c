"""The files of a run: each is there wholly or not at all, and writing one again changes nothing."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from examples.loopnet_agent.units import Unit

PART = ".part"


class InUse(Exception):
    """Another agent works in this folder."""


class Output:
    """The folder of a run: ``results/`` has what each unit found, the tables that were exported lie beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._results = folder / "results"
        self._results.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keep other agents out. The kernel lets go when the process ends, however it ends.

        Raises:
            InUse: one is in.
        """
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUse(f"Another agent works in {self.folder}: wait for it.") from None
            yield

    def keep(self, unit: Unit, record: dict[str, Any]) -> None:
        """What a unit found."""
        _replace(self._result(unit), json.dumps(record, indent=2, sort_keys=True) + "\n")

    def found(self, unit: Unit) -> dict[str, Any]:
        """What a unit found, as it was kept."""
        record: dict[str, Any] = json.loads(self._result(unit).read_text(encoding="utf-8"))
        return record

    def write_part(self, table: str, columns: Sequence[str], records: list[dict[str, Any]]) -> None:
        """An export that isn't paid yet, and so isn't under its name yet."""
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        _replace(self._table(table, PART), text.getvalue())

    def publish(self, table: str) -> None:
        """Give an export its name, once it is paid. Done already is done."""
        if self._table(table, PART).exists():
            _rename(self._table(table, PART), self._table(table))

    def drop_part(self, table: str) -> None:
        """Forget an export that has no records."""
        self._table(table, PART).unlink(missing_ok=True)

    def _result(self, unit: Unit) -> Path:
        return self._results / f"{unit.id.replace(':', '--')}.json"

    def _table(self, table: str, suffix: str = "") -> Path:
        return self.folder / f"{table}.csv{suffix}"


def _replace(path: Path, text: str) -> None:
    # Under another name first: a file that is seen is whole. Each unit has one worker, so the name is its own.
    draft = path.with_name(path.name + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _rename(draft, path)


def _rename(draft: Path, path: Path) -> None:
    draft.replace(path)
    # The name too has to outlive a loss of power.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
