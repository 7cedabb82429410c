"""A proxy that cuts connections, in a thread of its own; what it cuts where is its subclasses' matter."""

import asyncio
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from orgbilling.supervisor.instance import HOST

# The longest line or block that is read at once.
LIMIT_BYTES = 4 * 1024 * 1024
THAW_POLL_SECONDS = 0.02
GONE = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)


class Cut(Exception):
    """The connection ends here, on both sides."""


class Pipe:
    """One connection through the proxy: what the caller and the server write and read."""

    def __init__(
        self,
        caller: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.from_caller, self.to_caller = caller
        self.from_server, self.to_server = server

    def close(self) -> None:
        """End both sides."""
        for writer in (self.to_caller, self.to_server):
            with suppress(OSError, RuntimeError):
                writer.close()


class Proxy:
    """Carries connections to a server, and cuts a share of what it carries.

    Args:
        chances: how likely each way to cut is; together at most 1.
    """

    def __init__(self, rng: Random, chances: dict[str, float]) -> None:
        self._rng, self._chances = rng, chances
        self.cuts: Counter[str] = Counter()
        self._open: set[asyncio.Task[Any]] = set()

    async def carry(self, pipe: Pipe) -> None:
        """Carry one connection to its end; raises Cut where it is to be cut."""
        raise NotImplementedError

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to the server."""
        raise NotImplementedError

    def chosen(self) -> str | None:
        """Which way to cut now, if any; it is counted."""
        drawn = self._rng.random()
        for way, chance in self._chances.items():
            drawn -= chance
            if drawn < 0:
                self.cuts[way] += 1
                return way
        return None

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one caller."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        pipe = None
        try:
            pipe = Pipe((reader, writer), await self.connect())
            await self.carry(pipe)
        except (Cut, OSError, *GONE):
            pass
        finally:
            self._open.discard(task)
            writer.close()
            if pipe is not None:
                pipe.close()

    def end(self) -> None:
        """End every connection."""
        for task in self._open:
            task.cancel()


@contextmanager
def on_loopback(proxy: Proxy) -> Iterator[int]:
    """The port on which the proxy listens."""
    with socket.create_server((HOST, 0), backlog=512) as listener, _served(proxy, listener):
        yield listener.getsockname()[1]


@contextmanager
def in_folder(proxy: Proxy) -> Iterator[Path]:
    """The folder in which the proxy listens, as PostgreSQL does in its own."""
    # A folder of its own, because a socket's whole path has 107 bytes at most.
    with (
        tempfile.TemporaryDirectory(prefix="cut-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        listener.bind(str(Path(folder) / ".s.PGSQL.5432"))
        listener.listen(512)
        with _served(proxy, listener):
            yield Path(folder)


@contextmanager
def _served(proxy: Proxy, listener: socket.socket) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()

    async def serve() -> None:
        listen = (
            asyncio.start_unix_server if listener.family == socket.AF_UNIX else asyncio.start_server
        )
        async with await listen(proxy.accept, sock=listener, limit=LIMIT_BYTES):
            await stopped.wait()
            proxy.end()
            # Each has to have ended before the loop is closed under it.
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()


class Freezing(Proxy):
    """Passes on every byte, except while it is frozen: then it takes and keeps them, and says nothing.

    Connections are accepted meanwhile, as a network does whose other end doesn't answer.
    """

    server: Path

    def __init__(self) -> None:
        super().__init__(Random(0), {})
        self._thawed = threading.Event()
        self._thawed.set()

    def freeze(self) -> None:
        """From now on nothing goes through."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Let everything through again, what was kept first."""
        self._thawed.set()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to the server."""
        return await asyncio.open_unix_connection(self.server)

    async def carry(self, pipe: Pipe) -> None:
        """Both directions at once, until one side ends."""
        ways = [
            asyncio.ensure_future(self._pass(pipe.from_caller, pipe.to_server)),
            asyncio.ensure_future(self._pass(pipe.from_server, pipe.to_caller)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while content := await source.read(LIMIT_BYTES):
            while not self._thawed.is_set():
                await asyncio.sleep(THAW_POLL_SECONDS)
            target.write(content)
            await target.drain()
