"""What can be wrong with a journal itself."""

from pathlib import Path


class JournalError(Exception):
    """The journal can't be read or written: nothing was kept."""


class JournalConflict(JournalError):
    """The key is kept with other arguments: two charges were given one key."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The journal keeps another call with the key {key!r}. Give each charge a key of its own."
        )
        self.key = key


class JournalBusy(JournalError):
    """Another process is replaying this journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is being replayed by another process. Let it finish.")
        self.path = path


class NoSuchEntry(JournalError):
    """No entry has this number, or it is not in a state that allows what was asked."""
