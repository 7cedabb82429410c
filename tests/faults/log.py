"""The clients' acknowledgement logs: what a caller could prove after losing everything else."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """What a client knew of a key at one moment."""

    key: str
    kind: str
    org_id: str
    user_id: str
    credits: int
    outcome: str
    why: str
    held: int = 0


class AckLog:
    """One client's log; an entry is on the disk when ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, entry: Entry) -> None:
        """Add an entry and wait for the disk."""
        os.write(self._file, json.dumps(asdict(entry)).encode() + b"\n")
        os.fsync(self._file)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


def entries(folder: Path) -> Iterator[Entry]:
    """All that the clients of a scenario have written."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Entry(**json.loads(line))


def last_known(written: Iterable[Entry]) -> dict[str, Entry]:
    """The final entry of each key."""
    return {entry.key: entry for entry in written}
