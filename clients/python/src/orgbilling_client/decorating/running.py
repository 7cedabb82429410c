"""Runs a decorated view: charge, let in, settle. What differs between frameworks is handed in."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel

from orgbilling_client.context import request_context
from orgbilling_client.decorating.answers import NotLetIn, answer_to
from orgbilling_client.decorating.caller import Caller
from orgbilling_client.decorating.charged import being
from orgbilling_client.decorating.clients import AnyClient, any_client, threads_client
from orgbilling_client.decorating.driving import drive, drive_async
from orgbilling_client.decorating.flow import after, before
from orgbilling_client.decorating.plan import Plan, View, cost_of
from orgbilling_client.ending import raise_on, to_its_end
from orgbilling_client.errors import ConfigurationError, OrgBillingError

StatusOf = Callable[[Any], int]


def run(
    client: AnyClient,
    plan: Plan[Any],
    caller: Caller,
    view: View[Any],
    work: Callable[[], Any],
    status_of: StatusOf,
) -> Any:
    """Returns the view's answer, or `NotLetIn`.

    Raises:
        OrgBillingError: the charge was refused for a reason that is no matter of the view's caller.
        Exception: whatever the view raises; it was not charged then.
    """
    chosen = threads_client(client)
    with request_context(caller.x_request_id):
        asked = {name: _value(question, view) for name, question in plan.questions().items()}
        try:
            charged = drive(chosen, before(plan, cost_of(asked), caller, chosen.org_id))
        except OrgBillingError as error:
            return _not_let_in(error)
        try:
            with being(charged):
                answer = work()
        except BaseException:
            drive(chosen, after(charged, failed=True))
            raise
        drive(chosen, after(charged, failed=status_of(answer) in plan.free_statuses))
        return answer


async def run_async(
    client: AnyClient,
    plan: Plan[Any],
    caller: Caller,
    view: View[Any],
    work: Callable[[], Awaitable[Any]],
    status_of: StatusOf,
) -> Any:
    """The same for asyncio. A task that is cancelled still settles its charge, as long as its client retries."""
    chosen = any_client(client)
    with request_context(caller.x_request_id):
        asked = {
            name: await _awaited(question, view) for name, question in plan.questions().items()
        }
        try:
            opening = before(plan, cost_of(asked), caller, chosen.org_id)
            charged, cancelled = await to_its_end(lambda: drive_async(chosen, opening))
        except OrgBillingError as error:
            return _not_let_in(error)
        try:
            raise_on(cancelled)
            await anyio.lowlevel.checkpoint_if_cancelled()
            with being(charged):
                answer = await work()
        except BaseException:
            await to_its_end(lambda: drive_async(chosen, after(charged, failed=True)))
            raise
        failed = status_of(answer) in plan.free_statuses
        _, cancelled = await to_its_end(lambda: drive_async(chosen, after(charged, failed=failed)))
        raise_on(cancelled)
        return answer


def _not_let_in(error: OrgBillingError) -> NotLetIn:
    answer = answer_to(error)
    if answer is None:
        raise error
    return answer


def _value(question: Any, view: View[Any]) -> Any:
    value = question(view) if callable(question) else question
    if inspect.isawaitable(value):
        message = "A view without async can't wait: user, org, credits … must be plain functions."
        raise ConfigurationError(message)
    return value


async def _awaited(question: Any, view: View[Any]) -> Any:
    value = question(view) if callable(question) else question
    return await value if inspect.isawaitable(value) else value
