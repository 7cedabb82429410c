"""The proxy between a client and the web server."""

import asyncio

from orgbilling.supervisor.instance import HOST
from tests.faults.proxy import Cut, Pipe, Proxy

#: Before the request is forwarded; after, without waiting for the answer; when the answer has come
#: and nothing of it is passed on; in the middle of the answer.
CHANCES = {"before": 0.15, "sent": 0.15, "answered": 0.15, "middle": 0.15}


class HttpCuts(Proxy):
    """Reads whole HTTP/1.1 messages, so that it knows where in an exchange it is."""

    port = 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to the web server."""
        return await asyncio.open_connection(HOST, self.port)

    async def carry(self, pipe: Pipe) -> None:
        """One request and its answer after the other."""
        while True:
            request = await message(pipe.from_caller)
            way = self.chosen()
            if way == "before":
                raise Cut
            pipe.to_server.write(request)
            await pipe.to_server.drain()
            if way == "sent":
                raise Cut
            answer = await message(pipe.from_server)
            if way == "answered":
                raise Cut
            if way == "middle":
                pipe.to_caller.write(answer[: self._rng.randrange(1, len(answer))])
                await pipe.to_caller.drain()
                raise Cut
            pipe.to_caller.write(answer)
            await pipe.to_caller.drain()


async def message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer with its body, whose length the head says."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)
