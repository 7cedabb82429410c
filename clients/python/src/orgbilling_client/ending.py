"""Waiting for what has to come to its end, although the task that waits is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


async def to_its_end(
    work: Callable[[], Coroutine[Any, Any, T]],
) -> tuple[T, BaseException | None]:
    """Wait for it, however often this task is cancelled meanwhile.

    A shielded scope keeps anyio's cancellations out; ``Task.cancel`` goes through it, so the work is a task of its own.

    Returns:
        What it returned, and the cancellation that is to be raised now; None without one.

    Raises:
        BaseException: what it raised, or the cancellation when there was one too.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Without asyncio there is no other cancellation than anyio's.
        scope = anyio.CancelScope(shield=True)
        with scope:
            done = await work()
        return done, None
    task = asyncio.ensure_future(work())
    cancelled = await _ended(task)
    failed = None if task.cancelled() else task.exception()
    if cancelled is not None and failed is not None:
        raise cancelled from failed
    return task.result(), cancelled


def raise_on(cancelled: BaseException | None) -> None:
    """Raise the cancellation that was put off, if there was one."""
    if cancelled is not None:
        raise cancelled


async def _ended(task: asyncio.Task[Any]) -> BaseException | None:
    cancelled: BaseException | None = None
    while not task.done():
        try:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled
