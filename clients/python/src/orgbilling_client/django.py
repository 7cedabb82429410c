"""Charge for a call of a Django view: ``from orgbilling_client.django import charge``."""

import functools
from collections.abc import Callable, Container, Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException
from django.http.response import HttpResponseBase

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
Ask = Callable[[View[HttpRequest]], Any]


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
    """Decorate a view, with ``async`` or without: a call is charged when it succeeds, and free when it fails.

    A method of a class is decorated through Django's ``method_decorator``.

    Args:
        client: a `Client` or `AsyncClient`, or a function that returns it; a view without ``async`` needs a
            `Client`.
        service: the name of what is charged, 1 to 100 characters.
        user: who pays: a function of the `View`, that is of the request and the view's arguments.
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
    plan: Plan[HttpRequest] = Plan(
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

    def decorate(decorated: Decorated) -> Decorated:
        @functools.wraps(decorated)
        def in_thread(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            work = functools.partial(decorated, request, *args, **kwargs)
            view = View(request, kwargs)
            return _response(run(client, plan, _caller(request), view, work, _status))

        @functools.wraps(decorated)
        async def in_loop(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            work: Any = functools.partial(decorated, request, *args, **kwargs)
            view = View(request, kwargs)
            return _response(await run_async(client, plan, _caller(request), view, work, _status))

        # Not that of `inspect`: a class's `as_view()` is only marked as one that is awaited.
        wrapper: Any = in_loop if iscoroutinefunction(decorated) else in_thread
        return wrapper  # type: ignore[no-any-return]

    return decorate


def _caller(request: HttpRequest) -> Caller:
    headers = request.headers
    x_request_id = headers.get("X-Request-ID")
    key = headers.get("Idempotency-Key") or x_request_id
    body = _body(request) if key else None
    target = request.get_full_path()
    digest = None if body is None else fingerprint(request.method or "", target, body)
    return Caller(key, digest, x_request_id)


def _body(request: HttpRequest) -> bytes | None:
    """The body, where it is small and can be read twice."""
    if not is_small(request.headers.get("Content-Length", "")):
        return None
    try:
        return request.body
    except RawPostDataException:
        # Somebody reads it as a stream.
        return None


def _status(answer: Any) -> int:
    return answer.status_code if isinstance(answer, HttpResponseBase) else 200


def _response(answer: Any) -> Any:
    if not isinstance(answer, NotLetIn):
        return answer
    return JsonResponse(
        answer.document, status=answer.status, headers=answer.headers, content_type=PROBLEM_JSON
    )
