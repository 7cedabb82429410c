"""The proxy between the service and PostgreSQL: it cuts where a commit's outcome is in the air."""

import asyncio
import re
from pathlib import Path

from tests.faults.proxy import Cut, Pipe, Proxy

#: The commit never reaches the server; it reaches it, and nobody waits; the server has answered.
CHANCES = {"swallowed": 0.1, "sent": 0.1, "answered": 0.1}

# What psycopg sends as simple queries ('Q'); IDLE is the transaction state in ReadyForQuery ('Z').
COMMIT = b"COMMIT\0"
# The functions that the service calls outside a transaction: such a statement commits by itself.
BY_ITSELF = re.compile(
    rb"public\.(deduct_credits|deduct_batch|place_hold|capture_hold|release_hold|refund_usage)\("
)
IDLE = b"I"


class CommitCuts(Proxy):
    """Reads PostgreSQL's messages (protocol 3.0): a type, a length, a content."""

    server: Path

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to PostgreSQL."""
        return await asyncio.open_unix_connection(self.server)

    async def carry(self, pipe: Pipe) -> None:
        """The start-up message, which has no type, then both directions at once."""
        pipe.to_server.write(await counted(pipe.from_caller))
        session = _Session(pipe)
        back = asyncio.ensure_future(session.answer())
        try:
            while True:
                kind, content = await typed(pipe.from_caller)
                way = self.chosen() if session.commits(kind, content) else None
                if way == "swallowed":
                    raise Cut
                session.muted = way is not None
                session.ready.clear()
                pipe.to_server.write(kind + content)
                await pipe.to_server.drain()
                if way == "answered":
                    await session.ready.wait()
                if way is not None:
                    raise Cut
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)


class _Session:
    """What the server has said on one connection."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.state = b""
        self.ready = asyncio.Event()
        self.muted = False

    def commits(self, kind: bytes, content: bytes) -> bool:
        """Whether the caller's message makes something durable."""
        if kind != b"Q":
            return False
        if content.endswith(COMMIT):
            return True
        return self.state == IDLE and BY_ITSELF.search(content) is not None

    async def answer(self) -> None:
        """Pass on what the server says, unless the connection is about to be cut."""
        try:
            while True:
                kind, content = await typed(self._pipe.from_server)
                if kind == b"Z":
                    self.state = content[-1:]
                if not self.muted:
                    self._pipe.to_caller.write(kind + content)
                if kind == b"Z":
                    self.ready.set()
        finally:
            # The server is gone: whoever waits for it need not.
            self.ready.set()
            if not self.muted:
                self._pipe.to_caller.close()


async def typed(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """A message's type, and the rest of it with its length."""
    kind = await reader.readexactly(1)
    return kind, await counted(reader)


async def counted(reader: asyncio.StreamReader) -> bytes:
    """A length, itself included, and what it counts."""
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big") - 4)
