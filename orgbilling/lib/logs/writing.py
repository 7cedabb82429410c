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
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Final

#: Lines that may wait; about 10 MB at most.
WAITING_MAX: Final = 10_000
#: How long the end of the process waits for its last lines.
FLUSH_SECONDS: Final = 2.0
#: Written at once: what a pipe takes whole, so that lines of processes that share it don't mix.
_TOGETHER_BYTES: Final = 4_096
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

    def put_each(self, lines: Sequence[bytes]) -> None:
        """``put`` for each of them, in order."""
        if self._owner != os.getpid():
            self._start()
        room = max(self._waiting_max - self._lines.qsize(), 0)
        for line in lines[:room]:
            self._lines.put(line)
        if len(lines) > room:
            self._drop(len(lines) - room)

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

    def _drop(self, count: int = 1) -> None:
        with self._counting:
            self._dropped += count
            self.total_dropped += count

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
        waiting = lines.get()
        while True:
            if not isinstance(waiting, bytes):
                waiting.set()
                waiting = lines.get()
                continue
            # Each write gives the interpreter away, and getting it back may take longer than all of them.
            together, size = [waiting], len(waiting)
            while True:
                try:
                    waiting = lines.get_nowait()
                except Empty:
                    self._write(together)
                    waiting = lines.get()
                    break
                if not isinstance(waiting, bytes) or size + len(waiting) > _TOGETHER_BYTES:
                    self._write(together)
                    break
                together.append(waiting)
                size += len(waiting)

    def _write(self, lines: list[bytes]) -> None:
        """Write all of them, whatever the descriptor does; those that can't be written are dropped."""
        left = b"".join(lines)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                # Somebody who shares the descriptor made it non-blocking.
                time.sleep(_AGAIN_SECONDS)
            except OSError:
                # The line of which a part is out is torn, and counts.
                self._drop(left.count(b"\n"))
                return


#: Standard error: standard output belongs to what commands print.
STDERR: Final = LineWriter(2)
