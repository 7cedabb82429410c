"""The Idempotency-Key header, and answers that may be replays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits.errors import KeyClaimed
from credits.idempotency import Answer, hash_body, run_once
from orgbilling.lib.errors import InvalidRequest
from orgbilling.web.errors import PROBLEM_JSON
from orgbilling.web.responses import JSON, json_response

VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = "Idempotent-Replayed"
#: Does the work of a key in one round trip, or finds it done: the status, the document, and whether it was done before.
#: None when nothing was done, because the key has to be claimed for it. Gets the key and the request's hash.
AtOnce = Callable[[str, bytes], tuple[int, Any, bool] | None]


def key_of(request: Request) -> str | None:
    """The Idempotency-Key header; None when there is none.

    Raises:
        InvalidRequest: it isn't 1 to 255 visible ASCII characters.
    """
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not VISIBLE_ASCII.fullmatch(key):
        raise InvalidRequest("Idempotency-Key", "A key is 1 to 255 visible ASCII characters.")
    return key


def answer_once(
    request: Request,
    *,
    org_id: UUID,
    operation: str,
    path_ids: dict[str, UUID],
    body: dict[str, Any],
    work: Callable[[str | None, bytes], tuple[int, Any]],
) -> HttpResponse:
    """Run a credit-moving POST at most once for its Idempotency-Key and answer it.

    Args:
        operation: the scope of the key inside the organization.
        path_ids: the ids in the path, which belong to the request as its body does.
        work: gets the key and the request's hash; returns status and document.

    Raises:
        InvalidRequest: the header is malformed.
        OrgBillingError: see ``credits.idempotency.run_once``.
    """
    return _answered(
        key_of(request),
        org_id=org_id,
        operation=operation,
        path_ids=path_ids,
        body=body,
        work=work,
    )


def answer_under(
    key: str | None,
    *,
    org_id: UUID,
    operation: str,
    path_ids: dict[str, UUID],
    body: dict[str, Any],
    work: Callable[[str | None, bytes], tuple[int, Any]],
) -> HttpResponse:
    """``answer_once`` for a key that was read already, and for work that is a transaction of its own.

    Without a key the work runs as it is: one round trip, where a transaction around it would take several.

    Raises:
        OrgBillingError: see ``credits.idempotency.run_once``.
    """
    if key is None:
        status, document = work(None, hash_body(operation, path_ids, body))
        return json_response(document, status)
    return _answered(
        key, org_id=org_id, operation=operation, path_ids=path_ids, body=body, work=work
    )


def answer_at_once(
    key: str | None,
    *,
    org_id: UUID,
    operation: str,
    path_ids: dict[str, UUID],
    body: dict[str, Any],
    work: Callable[[str | None, bytes], tuple[int, Any]],
    at_once: AtOnce | None,
) -> HttpResponse:
    """``answer_under`` for work that is nearly always done for its key in one round trip, if ``at_once`` can.

    Raises:
        OrgBillingError: see ``credits.idempotency.run_once``.
    """

    def answered() -> HttpResponse:
        done = None
        if key is not None and at_once is not None:
            done = at_once(key, hash_body(operation, path_ids, body))
        if done is None:
            return answer_under(
                key, org_id=org_id, operation=operation, path_ids=path_ids, body=body, work=work
            )
        status, document, replayed = done
        return json_response(document, status, {REPLAYED: "true"} if replayed else None)

    try:
        return answered()
    except KeyClaimed:
        # By a request that came between the look and the row, and has ended: a second look finds what it did.
        return answered()


def _answered(
    key: str | None,
    *,
    org_id: UUID,
    operation: str,
    path_ids: dict[str, UUID],
    body: dict[str, Any],
    work: Callable[[str | None, bytes], tuple[int, Any]],
) -> HttpResponse:
    body_hash = hash_body(operation, path_ids, body)
    answer = run_once(
        org_id=org_id,
        operation=operation,
        key=key,
        body_hash=body_hash,
        work=lambda: work(key, body_hash),
    )
    return respond(answer)


def respond(answer: Answer) -> HttpResponse:
    """A stored or a fresh answer; a refusal is a problem document."""
    refused = answer.status >= 400
    response = HttpResponse(
        answer.body, status=answer.status, content_type=PROBLEM_JSON if refused else JSON
    )
    if refused:
        # For the request's line in the log, and what the refusal is counted under.
        response.problem_code = json.loads(answer.body)["code"]  # type: ignore[attr-defined]
    if answer.replayed:
        response.headers[REPLAYED] = "true"
    return response
