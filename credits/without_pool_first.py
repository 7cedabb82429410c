"""Two ways to do the same thing: without the pool's lock, as nearly always, or with it."""

from __future__ import annotations

from typing import Protocol, TypeVar

from orgbilling.lib.transactions import call

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Work(Protocol[Result_co]):
    """What can be done both ways; None says that the pool is needed and that nothing was changed."""

    def __call__(self, *, with_pool: bool) -> Result_co | None:
        """Do it."""


class _NeedsPool(Exception):
    """Undoes the first try, so that its locks are given up before the pool's is taken."""


def without_pool_first(work: Work[Result]) -> Result:
    """Call ``work`` without the pool; when it returns None, with it.

    Inside a caller's transaction the locks of the first try go with its savepoint: the order of locks holds.

    Raises:
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions.call``.
    """

    def first() -> Result:
        done = work(with_pool=False)
        if done is None:
            raise _NeedsPool
        return done

    def second() -> Result:
        done = work(with_pool=True)
        if done is None:
            raise AssertionError  # pragma: no cover - with the pool locked nothing more is needed
        return done

    try:
        return call(first)
    except _NeedsPool:
        return call(second)
