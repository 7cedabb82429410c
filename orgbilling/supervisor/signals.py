"""Ctrl-C, `kill` and a closed terminal all mean: stop cleanly, once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Raised in the main thread when the run is asked to stop."""


class StopSignals:
    """Turns the signals into Stopped, outside of what must not be cut in half."""

    def __init__(self) -> None:
        self._whole = 0
        self._asked = False
        self._stopping = False

    def install(self) -> None:
        """Takes over the signals; one that is ignored by inheritance (nohup) stays ignored."""
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGTERM:
                signal.signal(number, self._receive)

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Lets a start or a stop be finished first; raises Stopped afterwards if one was asked."""
        self._whole += 1
        try:
            yield
        finally:
            self._whole -= 1
        self._raise_if_due()

    def stopping(self) -> None:
        """Tells that the run is ending already: from now on signals change nothing."""
        self._stopping = True

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._asked and not self._whole and not self._stopping:
            self._stopping = True
            raise Stopped
