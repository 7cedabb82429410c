"""Proxies between the client and the service that cut where they are told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from orgbilling.supervisor.instance import HOST
from tests.faults.http_cuts import HttpCuts, message
from tests.faults.proxy import Cut, Pipe, on_loopback


class Scripted(HttpCuts):
    """Cuts the first requests in the ways listed, and none after them; None lets one through."""

    def __init__(self, port: int, *ways: str | None) -> None:
        super().__init__(Random(0), {})
        self.port = port
        self._ways = list(ways)

    def chosen(self) -> str | None:
        """The next way."""
        return self._ways.pop(0) if self._ways else None


class Seeded(HttpCuts):
    """Cuts at random, in every way that there is."""

    def __init__(self, port: int, seed: int, chances: dict[str, float]) -> None:
        super().__init__(Random(seed), chances)
        self.port = port


class Withholding(HttpCuts):
    """Passes every request on, and keeps the answer of one of them until the caller hangs up.

    Args:
        number: which one; 0 is the first.
    """

    def __init__(self, port: int, number: int = 0) -> None:
        super().__init__(Random(0), {})
        self.port = port
        self._until_then = number

    async def carry(self, pipe: Pipe) -> None:
        """Let the service act, and say nothing of it when it is time."""
        while True:
            pipe.to_server.write(await message(pipe.from_caller))
            await pipe.to_server.drain()
            answer = await message(pipe.from_server)
            self._until_then -= 1
            if self._until_then == -1:
                self.cuts["withheld"] += 1
                await pipe.from_caller.read()
                raise Cut
            pipe.to_caller.write(answer)
            await pipe.to_caller.drain()


@contextmanager
def through(proxy: HttpCuts) -> Iterator[str]:
    """The address of the proxy."""
    with on_loopback(proxy) as port:
        yield f"http://{HOST}:{port}"
