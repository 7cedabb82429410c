"""The proxy between the service and PostgreSQL: it cuts where a commit's outcome is in the air."""

import asyncio
import re
from pathlib import Path
from typing import Any

from tests.faults.proxy import Cut, Pipe, Proxy

#: The commit never reaches the server; it reaches it, and nobody waits; the server has answered.
CHANCES = {"swallowed": 0.1, "sent": 0.1, "answered": 0.1}

# What psycopg sends as a simple query ('Q'); IDLE is the transaction state in ReadyForQuery ('Z').
COMMIT = b"COMMIT\0"
# The functions that the service calls outside a transaction: such a statement commits by itself, a simple query at its
# end, one of the extended protocol (Parse, Bind, Execute, Sync) with the Sync.
BY_ITSELF = re.compile(
    rb"public\.(deduct_credits|deduct_many|deduct_batch|place_hold|capture_hold|capture_hold_once"
    rb"|release_hold|refund_usage|refund_usage_once)\("
)
FOR_MANY = b"public.deduct_many("
#: Once for each charge of such a statement.
ITEM = b'"usage_id"'
IDLE = b"I"


class CommitCuts(Proxy):
    """Reads PostgreSQL's messages (protocol 3.0): a type, a length, a content."""

    server: Path

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        #: Requests whose outcome the cuts have left open.
        self.left_open = 0

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
                requests = session.commits(kind, content)
                way = self.chosen() if requests else None
                if way is not None:
                    self.left_open += requests
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
    """What was said on one connection."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.state = b""
        self.ready = asyncio.Event()
        self.muted = False
        #: Of the extended protocol: statements by name, and the one that the next Sync commits, with its parameters.
        self._statements: dict[bytes, bytes] = {}
        self._bound = self._executed = (b"", b"")

    def commits(self, kind: bytes, content: bytes) -> int:
        """How many requests the caller's message makes durable; 0: it makes nothing durable."""
        body = content[4:]
        if kind == b"Q":
            return 1 if body.endswith(COMMIT) else self._requests(body, body)
        if kind == b"P":
            name, statement, _types = body.split(b"\0", 2)
            self._statements[name] = statement
        elif kind == b"B":
            _portal, name, parameters = body.split(b"\0", 2)
            self._bound = (self._statements.get(name, b""), parameters)
        elif kind == b"E":
            self._executed = self._bound
        elif kind == b"S":
            executed, self._executed = self._executed, (b"", b"")
            return self._requests(*executed)
        return 0

    def _requests(self, statement: bytes, parameters: bytes) -> int:
        if self.state != IDLE or BY_ITSELF.search(statement) is None:
            return 0
        return parameters.count(ITEM) if FOR_MANY in statement else 1

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
