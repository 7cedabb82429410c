"""Work that threads ask for at the same time is done in one call, by one of them for all.

Whoever finds no call on its way goes at once, alone if nobody else waits. Who comes meanwhile waits in a queue, and
the next call takes all of them. There is no thread in the background: a call is made by the thread of one of those
that it is for, and whatever becomes of that thread, the others are told.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from orgbilling.lib.errors import OutcomeUnknown

Item = TypeVar("Item")
Result = TypeVar("Result")


class Undone(Exception):
    """A call has failed for all, and nothing of it was done: each may be done alone."""


class Apart(Enum):
    """Why an item that might have been done with others is done alone."""

    #: There was no more room in the queue.
    FULL = "full"
    #: The call that it was part of failed, and nothing was done.
    UNDONE = "undone"
    #: The call did the others, and left this one.
    LEFT = "left"
    #: Another one of its place is being done alone, after a call that failed.
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far waiting for others may go.

    Attributes:
        most: items of one call at most, from 2 on.
        waiting: items in the queue at most; who finds it full is done alone.
        abreast: calls on their way at the same time; the next one gathers.
        patience_seconds: how long an item waits for the call before its own. After that the call is taken for stuck:
            it doesn't count any more, and the item goes with whoever waits.
        end_seconds: how long an item that was taken waits for its outcome; longer than any call lasts.
    """

    most: int
    waiting: int
    abreast: int
    patience_seconds: float
    end_seconds: float


class _Place(Generic[Item, Result]):
    """One item, and the thread that waits for it."""

    __slots__ = ("call", "done", "item", "leads", "result", "turn", "verdict", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        #: None: it waits in the queue, or was never in one.
        self.call: _Call[Item, Result] | None = None
        self.leads = self.done = self.woken = False
        self.result: Result | None = None
        self.verdict: type[Exception] | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    def wake(self) -> None:
        """Have its thread look again. Under the coalescer's lock: a turn that was given already isn't given twice."""
        if not self.woken:
            self.woken = True
            self.turn.release()


class _Call(Generic[Item, Result]):
    """Items that are done together, the leader's first."""

    __slots__ = ("began", "places", "sent")

    def __init__(self, places: list[_Place[Item, Result]]) -> None:
        self.places = places
        self.sent = False
        self.began = time.monotonic()


class Coalescer(Generic[Item, Result]):
    """Does items in calls, in which a failure of one touches no other.

    Args:
        alone: does one item; what it raises is for its caller.
        together: does two items or more. Returns for each its result, or None for one that it left undone. Raises
            Undone when nothing was done; after anything else that it raises nobody knows what was.
        place: what an item keeps others from; after a failed call those of the same place are done alone for a while.
        tell: is told of each call how many items it has, and why an item is done alone that might not have been.
    """

    def __init__(
        self,
        *,
        alone: Callable[[Item], Result],
        together: Callable[[Sequence[Item]], Sequence[Result | None]],
        place: Callable[[Item], Hashable],
        tell: Callable[[Apart], None],
        bounds: Bounds,
    ) -> None:
        self._alone, self._together = alone, together
        self._place, self._tell = place, tell
        self._bounds = bounds
        self._lock = threading.Lock()
        self._queue: deque[_Place[Item, Result]] = deque()
        self._calls: list[_Call[Item, Result]] = []
        self._beside: Counter[Hashable] = Counter()

    def do(self, item: Item) -> Result:
        """Do one item, with others if they wait.

        Raises:
            OutcomeUnknown: it was part of a call that ended without saying what it did.
            Whatever ``alone`` raises.
        """
        mine: _Place[Item, Result] = _Place(item)
        try:
            why = self._see_through(mine)
        except BaseException:
            self._leave(mine)
            raise
        if why is None:
            return mine.result  # type: ignore[return-value]
        self._tell(why)
        if why is not Apart.UNDONE:
            return self._alone(item)
        with self._keeping_apart(item):
            return self._alone(item)

    def _see_through(self, mine: _Place[Item, Result]) -> Apart | None:
        """Have an item done in a call, led by this thread or another; returns why it isn't, None: it is."""
        with self._lock:
            if self._beside and self._beside[self._place(mine.item)]:
                return Apart.BESIDE
            if self._may_begin():
                self._begin(mine)
            elif len(self._queue) >= self._bounds.waiting:
                return Apart.FULL
            else:
                self._queue.append(mine)
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._lead(mine)
        if mine.verdict is Undone:
            return Apart.UNDONE
        if mine.verdict is not None:
            raise mine.verdict
        return Apart.LEFT if mine.result is None else None

    def _may_begin(self) -> bool:
        """Whether fewer calls are on their way than may be; one that is stuck doesn't count."""
        if len(self._calls) < self._bounds.abreast:
            return True
        recent = time.monotonic() - self._bounds.patience_seconds
        return sum(call.began > recent for call in self._calls) < self._bounds.abreast

    def _begin(self, mine: _Place[Item, Result]) -> None:
        """Make this item's thread the leader of a call for it and for whoever waits longest."""
        places = [mine]
        while self._queue and len(places) < self._bounds.most:
            places.append(self._queue.popleft())
        call = _Call(places)
        self._calls.append(call)
        mine.leads = True
        for place in places:
            place.call = call

    def _wait(self, mine: _Place[Item, Result]) -> None:
        """Wait in the queue until it is this thread's turn to lead, or in a call until the outcome is known.

        Raises:
            OutcomeUnknown: the call doesn't end.
        """
        while not mine.done:
            taken = mine.call is not None
            told = mine.turn.acquire(
                timeout=self._bounds.end_seconds if taken else self._bounds.patience_seconds
            )
            if mine.done:
                return
            if not told and taken:
                raise OutcomeUnknown
            with self._lock:
                if told:
                    mine.woken = False
                if mine.call is None and (not told or self._may_begin()):
                    self._queue.remove(mine)
                    self._begin(mine)
                    return

    def _lead(self, mine: _Place[Item, Result]) -> None:
        """Make a call; however it ends, everybody in it is told, and the next one may begin."""
        call = mine.call
        if call is None:
            raise AssertionError  # pragma: no cover - whoever leads has one
        items = [place.item for place in call.places]
        call.sent = True
        if len(items) == 1:
            mine.result = self._alone(mine.item)
            self._end(call, None)
            return
        try:
            results = self._together(items)
        except Undone:
            self._end(call, Undone)
            return
        # A ValueError that says that there are too few or too many ends the call as any other error does.
        pairs = list(zip(call.places, results, strict=True))
        for place, result in pairs:
            place.result = result
        self._end(call, None)

    def _end(self, call: _Call[Item, Result], verdict: type[Exception] | None) -> None:
        with self._lock:
            if call in self._calls:
                self._calls.remove(call)
            self._wake_next()
            # The leader last: whoever ends a call that its thread was thrown out of goes by that.
            for place in reversed(call.places):
                place.verdict = verdict
                place.done = True
                place.wake()

    def _leave(self, mine: _Place[Item, Result]) -> None:
        """Do what is due to others when a thread goes before its item is done: by an error, or because it dies."""
        if mine.done:
            return
        if mine.call is None:
            with self._lock:
                if mine in self._queue:
                    self._queue.remove(mine)
                    self._wake_next()
        elif mine.leads:
            self._end(mine.call, OutcomeUnknown if mine.call.sent else Undone)

    def _wake_next(self) -> None:
        """Have who waits longest look whether it is to lead."""
        if self._queue and self._may_begin():
            self._queue[0].wake()

    @contextmanager
    def _keeping_apart(self, item: Item) -> Iterator[None]:
        """While an item is done alone, because somebody may keep what it needs, others of its place are too."""
        place = self._place(item)
        with self._lock:
            self._beside[place] += 1
        try:
            yield
        finally:
            with self._lock:
                self._beside[place] -= 1
                if not self._beside[place]:
                    del self._beside[place]
