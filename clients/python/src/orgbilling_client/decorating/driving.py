"""Makes the steps of a flow, by threads or by asyncio."""

from typing import Any

from anyio.to_thread import run_sync

from orgbilling_client import AsyncClient, Client
from orgbilling_client.calls import Call
from orgbilling_client.decorating.flow import Step, Steps


def drive(client: Client, steps: Steps) -> Any:
    """Make the steps one after the other; returns what the flow returns."""
    try:
        step = next(steps)
        while True:
            try:
                done = client._send(step) if isinstance(step, Call) else step()  # noqa: SLF001
            except BaseException as error:  # noqa: BLE001 - the flow decides, and raises it on
                step = steps.throw(error)
            else:
                step = steps.send(done)
    except StopIteration as end:
        return end.value


async def drive_async(client: AsyncClient | Client, steps: Steps) -> Any:
    """The same for asyncio; a client for threads is waited for in one."""
    try:
        step = next(steps)
        while True:
            try:
                done = await _made(client, step)
            except BaseException as error:  # noqa: BLE001 - the flow decides, and raises it on
                step = steps.throw(error)
            else:
                step = steps.send(done)
    except StopIteration as end:
        return end.value


async def _made(client: AsyncClient | Client, step: Step) -> Any:
    if not isinstance(step, Call):
        return await run_sync(step)
    if isinstance(client, Client):
        return await run_sync(client._send, step)  # noqa: SLF001 - of this package
    return await client._send(step)  # noqa: SLF001 - of this package
