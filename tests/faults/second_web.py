"""Another web server on the stage's database, which may be asked to end and started again."""

from pathlib import Path
from urllib.parse import quote

from orgbilling.supervisor.programs import Child, programs
from tests.faults.stage import ROOT, Stage


class SecondWeb:
    """Reaches the database by the socket in a folder; `settings` are further ones of its own."""

    def __init__(
        self, stage: Stage, port: int, sockets: Path, settings: dict[str, str] | None = None
    ) -> None:
        url = f"postgresql://orgbilling@/orgbilling?host={quote(str(sockets), safe='')}"
        self._stage, self._port = stage, port
        self._env = {**stage.env, "DATABASE_URL": url, **(settings or {})}
        self._child: Child | None = None

    def begin(self) -> None:
        """Start it, and return once it can serve."""
        log = self._stage.home / "logs" / "second.log"
        self._child = Child(programs(self._port)[0], log, self._env, ROOT)
        self._stage.await_ready(self._port, self._child)

    def end(self) -> int:
        """Ask it to end; its exit status."""
        assert self._child is not None
        self._child.ask_to_stop()
        return self._child.await_end()

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self._child is not None:
            self._child.stop()
