"""Lines leave by a thread of their own: whoever serves a request never waits for whoever reads the logs.

A pipe that nobody reads fills up, and a write to it would wait for ever; a closed one fails. Neither is a reason to
fail a charge that is committed. What doesn't fit is dropped and counted, and the count is logged when there is room.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from queue import SimpleQueue
from typing import Final

#: Lines that may wait; about 10 MB at most.
WAITING_MAX: Final = 10_000
#: How long the end of the process waits for its last lines.
FLUSH_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 0.05


class LineWriter:
    """Writes lines to a file descriptor, in order, from one thread; ``put`` never waits and never raises."""

    def __init__(self, descriptor: int, waiting_max: int = WAITING_MAX) -> None:
        self._descriptor = descriptor
        self._waiting_max = waiting_max
        self._starting = threading.Lock()
        self._counting = threading.Lock()
        self._owner = 0
        self._lines: SimpleQueue[bytes | threading.Event] = SimpleQueue()
        self._dropped = 0
        self.total_dropped = 0

    def put(self, line: bytes) -> None:
        """Have the line written, unless too many wait already."""
        if self._owner != os.getpid():
            self._start()
        if self._lines.qsize() >= self._waiting_max:
            self._drop()
            return
        self._lines.put(line)

    def take_dropped(self) -> int:
        """How many lines were dropped since this was last asked, once there is room to say so."""
        if not self._dropped or self._lines.qsize() > self._waiting_max // 2:
            return 0
        with self._counting:
            count, self._dropped = self._dropped, 0
        return count

    def flush(self, seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until all lines are written, at most that long; whether they are."""
        if self._owner != os.getpid():
            return True
        written = threading.Event()
        self._lines.put(written)
        return written.wait(seconds)

    def _drop(self) -> None:
        with self._counting:
            self._dropped += 1
            self.total_dropped += 1

    def _start(self) -> None:
        """Start the thread, once a process: a fork has the parent's lines and no thread."""
        with self._starting:
            if self._owner == os.getpid():
                return
            self._lines = SimpleQueue()
            thread = threading.Thread(target=self._work, name="log writer", daemon=True)
            with contextlib.suppress(RuntimeError):
                # It is refused while the interpreter ends: then nothing is written any more.
                thread.start()
                atexit.register(self.flush)
            self._owner = os.getpid()

    def _work(self) -> None:
        lines = self._lines
        while True:
            line = lines.get()
            if isinstance(line, bytes):
                self._write(line)
            else:
                line.set()

    def _write(self, line: bytes) -> None:
        """Write all of it, whatever the descriptor does; a line that can't be written is dropped."""
        while line:
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:
                # Somebody who shares the descriptor made it non-blocking.
                time.sleep(_AGAIN_SECONDS)
            except OSError:
                self._drop()
                return


#: Standard error: standard output belongs to what commands print.
STDERR: Final = LineWriter(2)
