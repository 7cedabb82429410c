"""Charge for a call of a FastAPI endpoint: ``from orgbilling_client.fastapi import charge``."""

import functools
import inspect
from collections.abc import Callable, Container, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import anyio.from_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orgbilling_client.decorating.answers import PROBLEM_JSON, NotLetIn
from orgbilling_client.decorating.caller import Caller, fingerprint, is_small
from orgbilling_client.decorating.charged import Charged, current_charge
from orgbilling_client.decorating.clients import AnyClient
from orgbilling_client.decorating.plan import (
    REPEAT_WITHIN,
    SERVER_ERRORS,
    TTL_SECONDS,
    Mode,
    Plan,
    View,
)
from orgbilling_client.decorating.running import run, run_async
from orgbilling_client.journal import Journal

__all__ = ["Charged", "View", "charge", "current_charge"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Ask = Callable[[View[Request]], Any]
# What the endpoint gets its request as, where it doesn't ask for one itself.
REQUEST = "orgbilling_request"


def charge(
    client: AnyClient,
    *,
    service: str,
    user: Ask,
    org: Ask | str | UUID | None = None,
    credits: Ask | int | None = None,
    quantity: Ask | int | None = None,
    metadata: Ask | Mapping[str, Any] | None = None,
    mode: Mode = "hold",
    free_statuses: Container[int] = SERVER_ERRORS,
    ttl_seconds: int = TTL_SECONDS,
    repeat_within: timedelta = REPEAT_WITHIN,
    journal: Journal | None = None,
) -> Callable[[Decorated], Decorated]:
    """Decorate an endpoint, below its route: a call is charged when it succeeds, and free when it fails.

    Args:
        client: a `Client` or `AsyncClient`, or a function that returns it; an endpoint without ``async``
            needs a `Client`.
        service: the name of what is charged, 1 to 100 characters.
        user: who pays: a function of the `View`, that is of the request and the endpoint's arguments.
        org: which organization's credits: a function, an id, or None for the client's own.
        credits: how many: a function or a number; or else
        quantity: of a service that the price catalogue prices: a function or a number.
        metadata: kept with the charge: a function or a mapping. It must be the same when a call is repeated.
        mode: "hold" reserves before and charges after; "deduct" charges before and refunds a failure.
        free_statuses: answers that cost nothing, beside exceptions.
        ttl_seconds: how long a hold waits for its call to end, 1 to 86,400.
        repeat_within: so long a request that is repeated with the same ``Idempotency-Key`` or
            ``X-Request-ID`` is served without being charged again; 0 charges each.
        journal: lets calls in while the service can't be reached, and charges them later.

    Raises:
        ConfigurationError: the arguments don't go together.
    """
    plan: Plan[Request] = Plan(
        service=service,
        user=user,
        org=org,
        credits=credits,
        quantity=quantity,
        metadata=metadata,
        mode=mode,
        free_statuses=free_statuses,
        ttl_seconds=ttl_seconds,
        repeat_within=repeat_within,
        journal=journal,
    )

    def decorate(endpoint: Decorated) -> Decorated:
        signature, name, is_ours = _with_request(endpoint)

        def taken(kwargs: dict[str, Any]) -> View[Request]:
            request = kwargs.pop(name) if is_ours else kwargs[name]
            return View(request, kwargs)

        @functools.wraps(endpoint)
        def in_thread(*args: Any, **kwargs: Any) -> Any:
            view = taken(kwargs)
            caller = anyio.from_thread.run(_caller, view.request)
            work = functools.partial(endpoint, *args, **kwargs)
            return _response(run(client, plan, caller, view, work, _status_by(kwargs)))

        @functools.wraps(endpoint)
        async def in_loop(*args: Any, **kwargs: Any) -> Any:
            view = taken(kwargs)
            caller = await _caller(view.request)
            work: Any = functools.partial(endpoint, *args, **kwargs)
            status_of = _status_by(kwargs)
            return _response(await run_async(client, plan, caller, view, work, status_of))

        wrapper: Any = in_loop if inspect.iscoroutinefunction(endpoint) else in_thread
        wrapper.__signature__ = signature
        return wrapper  # type: ignore[no-any-return]

    return decorate


def _with_request(endpoint: Callable[..., Any]) -> tuple[inspect.Signature, str, bool]:
    """The signature that FastAPI reads, the name of the request in it, and whether that is ours."""
    signature = inspect.signature(endpoint, eval_str=True)
    parameters = list(signature.parameters.values())
    for one in parameters:
        if inspect.isclass(one.annotation) and issubclass(one.annotation, Request):
            return signature, one.name, False
    own = inspect.Parameter(REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    return signature.replace(parameters=[*parameters, own]), REQUEST, True


async def _caller(request: Request) -> Caller:
    headers = request.headers
    x_request_id = headers.get("x-request-id")
    key = headers.get("idempotency-key") or x_request_id
    body = await _body(request) if key else None
    target = f"{request.url.path}?{request.url.query}"
    digest = None if body is None else fingerprint(request.method, target, body)
    return Caller(key, digest, x_request_id)


async def _body(request: Request) -> bytes | None:
    """The body, where it is small and can be read twice."""
    headers = request.headers
    if "transfer-encoding" in headers or not is_small(headers.get("content-length", "")):
        return None
    try:
        return await request.body()
    except RuntimeError:
        # A form: it was read as a stream.
        return None


def _status_by(arguments: Mapping[str, Any]) -> Callable[[Any], int]:
    """What tells an answer's status: its own, or that of the response which FastAPI hands in to be filled."""
    handed_in: list[Any] = [one for one in arguments.values() if isinstance(one, Response)]

    def status(answer: Any) -> int:
        responses = [answer] if isinstance(answer, Response) else handed_in
        # FastAPI hands one in without a status, to see whether the endpoint sets it.
        return next((one.status_code for one in responses if one.status_code), 200)

    return status


def _response(answer: Any) -> Any:
    if not isinstance(answer, NotLetIn):
        return answer
    return JSONResponse(
        answer.document, answer.status, headers=answer.headers, media_type=PROBLEM_JSON
    )
