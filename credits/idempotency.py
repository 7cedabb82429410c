"""One request, one effect: what makes a retry harmless.

A request is one transaction: its key is claimed, the credits move, the answer is stored, all of it commits or
none. A retry finds the stored answer; a retry that comes while the first still runs waits for it.
The shape follows the IETF draft ``draft-ietf-httpapi-idempotency-key-header``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from credits.errors import KeyClaimed
from credits.models import StoredAnswer
from orgbilling.lib import plain_json
from orgbilling.lib.errors import IdempotencyKeyReused, OrgBillingError
from orgbilling.lib.transactions import run
from orgbilling.web.errors import problem_of
from orgbilling.web.responses import encode

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with.

    Attributes:
        status: the HTTP status.
        body: the JSON document, encoded; the same bytes in every replay.
        replayed: whether an earlier request was answered with it first.
    """

    status: int
    body: bytes
    replayed: bool = False


def hash_body(operation: str, path_ids: Mapping[str, UUID], body: Mapping[str, Any]) -> bytes:
    """SHA-256 over the operation, the ids in the path and the parsed body, whatever its spacing and order."""
    canonical = plain_json.dumps_sorted(
        [operation, {name: str(value) for name, value in path_ids.items()}, body]
    )
    return hashlib.sha256(canonical).digest()


def run_once(
    *,
    org_id: UUID,
    operation: str,
    key: str | None,
    body_hash: bytes,
    work: Callable[[], tuple[int, Any]],
) -> Answer:
    """Run ``work`` in a transaction, at most once for a key; its stored answer when it ran before.

    ``work`` returns a status and a JSON document. An error of it whose outcome is final (402) is stored and
    answered too; what it wrote before raising is undone. Any other error undoes everything, the claim included.

    Raises:
        IdempotencyKeyReused: the key was used before with another request.
        RequestInProgress: the first request didn't finish in time.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions.run``.
    """

    def once() -> Answer:
        if key is not None:
            stored = StoredAnswer.objects.claim(
                org_id=org_id, operation=operation, key=key, body_hash=body_hash
            )
            if stored is not None:
                return replay(stored, body_hash)
        status, document, final = _outcome(work)
        body = encode(document)
        if key is not None:
            StoredAnswer.objects.settle(
                org_id=org_id,
                operation=operation,
                key=key,
                status=status,
                body=body.decode(),
                final=final,
            )
        return Answer(status, body)

    return run_claiming(once)


def run_claiming(work: Callable[[], Result]) -> Result:
    """``orgbilling.lib.transactions.run``, once more when another transaction took a key of the work meanwhile.

    It took it between the look and the insert, and has committed: a second look finds it.
    """
    try:
        return run(work)
    except KeyClaimed:
        return run(work)


def replay(stored: StoredAnswer, body_hash: bytes) -> Answer:
    """The stored answer.

    Raises:
        IdempotencyKeyReused: it answers another request.
    """
    if bytes(stored.body_hash) != body_hash:
        raise IdempotencyKeyReused
    return Answer(stored.status, stored.body.encode(), replayed=True)


def _outcome(work: Callable[[], tuple[int, Any]]) -> tuple[int, Any, bool]:
    """Status and document of the work, and whether it succeeded."""
    try:
        with transaction.atomic():
            return *work(), True
    except OrgBillingError as exc:
        if not exc.stored:
            raise
        return *problem_of(exc), False
