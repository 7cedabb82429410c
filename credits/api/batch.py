"""Many deductions in one request, each with its own outcome, or all of them or none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from credits.api import examples
from credits.api.keys import answer_under, key_of
from credits.api.rendering import render_receipt
from credits.api.serializers import (
    ITEMS_MAX,
    BatchResultsSerializer,
    DeductBatchSerializer,
    DeductSerializer,
)
from credits.api.spending import (
    SPENDING_ERRORS,
    SpendingView,
    charge_of,
    require_own,
    sees_only_own,
)
from credits.batching import BatchRefused, deduct_batch, tell_refused
from credits.deducting import OPERATION as DEDUCT
from credits.deducting import Receipt
from credits.errors import InsufficientCredits
from credits.functions import Charge
from credits.idempotency import Answer
from organizations.api.base import find_organization
from orgbilling.lib.errors import OrgBillingError, PermissionRefused
from orgbilling.web.errors import Trouble, flatten, problem_document, problem_of
from orgbilling.web.openapi import operation
from orgbilling.web.refusals import FieldError, ValidationRefused
from orgbilling.web.request_log import note_organization
from orgbilling.web.responses import json_response
from orgbilling.web.views import parse_id, shared

OPERATION = "deduct_batch"
#: What an item may come to: a charge, or why there was none.
Outcome = Receipt | Answer | OrgBillingError


class DeductBatchView(SpendingView):
    """Charges many at once."""

    max_body_bytes = 1024 * 1024

    @operation(
        summary="Deduct credits in a batch",
        description=f"1 to {ITEMS_MAX} deductions of one organization, in one transaction. Each item has the body of "
        "a single deduction and its own key, `request_id`, under which a retry, single or in a batch, finds it. The "
        "answer has a result an item, in the order sent: the `status` that it would have had alone, and its `usage` "
        "or its `error`, a problem document. `deducted` and `failed` count items. With `atomic` the first refusal "
        "answers for all, naming the item in `errors`, and nothing is charged. An Idempotency-Key makes the batch as "
        "a whole repeatable.",
        request=DeductBatchSerializer,
        request_example=examples.BATCH,
        responses={200: (BatchResultsSerializer, examples.BATCH_RESULTS)},
        errors=SPENDING_ERRORS,
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request) -> HttpResponse:
        """200 with a result an item."""
        body = self.body(request)
        org_id = org_id_of_all(body.get("items"))
        note_organization(request, org_id)
        self.principal.require(self.rule(), org_id)
        if self.principal.org_ids() is None:
            # Everybody else's organization exists, or they wouldn't be in it.
            find_organization(org_id)
        atomic: bool = self.validated(request, DeductBatchSerializer)["atomic"]
        key = key_of(request)
        asked = list(self._charges(org_id, body["items"]))
        if atomic:
            _refuse_any(asked)

        if key is not None:
            return self._once(key, org_id, asked, atomic=atomic, body=body)
        try:
            outcomes = charged(org_id, asked, atomic=atomic, inside=False)
        except BatchRefused as exc:
            raise of_whole(exc) from exc
        return json_response(results_of(outcomes))

    def _once(
        self,
        key: str,
        org_id: UUID,
        asked: Sequence[Charge | OrgBillingError],
        *,
        atomic: bool,
        body: dict[str, Any],
    ) -> HttpResponse:
        """The batch as a whole at most once for its key."""
        if any(isinstance(one, PermissionRefused) for one in asked):
            # Who asks is a part of what is asked: what somebody else was answered is not this caller's to read.
            body = {**body, "caller": self.principal.actor}
        refused: BatchRefused | None = None

        def work(_key: str | None, _hash: bytes) -> tuple[int, Any]:
            nonlocal refused
            refused = None
            try:
                # Each item has a key and a hash of its own.
                outcomes = charged(org_id, asked, atomic=atomic, inside=True)
            except BatchRefused as exc:
                refused = exc
                raise of_whole(exc) from exc
            return 200, results_of(outcomes)

        try:
            return answer_under(
                key, org_id=org_id, operation=OPERATION, path_ids={}, body=body, work=work
            )
        finally:
            if refused is not None:
                tell_refused(refused)

    def _charges(self, org_id: UUID, items: list[Any]) -> Iterator[Charge | OrgBillingError]:
        """Each item's charge, or why it can't even be asked for."""
        serializer = shared(DeductSerializer)
        actor, only_own = self.principal.actor, sees_only_own(self.principal, org_id)
        for item in items:
            try:
                if only_own:
                    require_own(self.principal, org_id, item.get("user_id"))
                wanted = serializer.run_validation(item)
            except ValidationError as exc:
                yield ValidationRefused(flatten(exc.get_full_details()))
            except OrgBillingError as exc:
                yield exc
            else:
                yield charge_of(actor, wanted, operation=DEDUCT, key=None, body=item)


def charged(
    org_id: UUID, asked: Sequence[Charge | OrgBillingError], *, atomic: bool, inside: bool
) -> list[Outcome]:
    """What became of each item.

    Args:
        inside: whether the caller holds the transaction.

    Raises:
        BatchRefused, OrgBillingError: see ``deduct_batch``.
    """
    charges = [one for one in asked if isinstance(one, Charge)]
    if not charges:
        return [one for one in asked if isinstance(one, OrgBillingError)]
    done = iter(deduct_batch(org_id=org_id, charges=charges, atomic=atomic, in_transaction=inside))
    return [next(done) if isinstance(one, Charge) else one for one in asked]


def of_whole(refused: BatchRefused) -> OrgBillingError:
    """The refusal that answers for an atomic batch, naming the item."""
    # Of an atomic batch every item is a charge: the positions are the caller's.
    return at_item(refused.index, error_of(refused.outcome))


def error_of(refusal: Answer | OrgBillingError) -> OrgBillingError:
    """A refusal as an error; one that was answered is 402."""
    if isinstance(refusal, OrgBillingError):
        return refusal
    document = json.loads(refusal.body)
    standard = problem_document(Trouble(document["code"], document["detail"]))
    extra = {name: value for name, value in document.items() if name not in standard}
    return InsufficientCredits(document["detail"], **extra)


def results_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The answer to a batch."""
    results = [_result(outcome) for outcome in outcomes]
    deducted = sum("usage" in result for result in results)
    return {"results": results, "deducted": deducted, "failed": len(results) - deducted}


def org_id_of_all(items: Any) -> UUID:
    """The organization that all items name.

    Raises:
        ValidationRefused: there are none, one names no organization, or they name several.
    """
    if not isinstance(items, list) or not items:
        raise ValidationRefused([_wrong("items", "required", "A list of deductions is required.")])
    first: UUID | None = None
    before: Any = None
    for index, item in enumerate(items):
        text = item.get("org_id") if isinstance(item, dict) else None
        if first is not None and text == before:
            continue
        before = text
        org_id = parse_id(text) if isinstance(text, str) else None
        if org_id is None:
            detail = "Every item names its organization, by a UUID."
            raise ValidationRefused([_wrong(f"items.{index}.org_id", "invalid", detail)])
        first = first or org_id
        if org_id != first:
            detail = "All items of a batch name the same organization."
            raise ValidationRefused([_wrong(f"items.{index}.org_id", "one_organization", detail)])
    assert first is not None  # noqa: S101 - there is at least one item
    return first


def at_item(index: int, error: OrgBillingError) -> OrgBillingError:
    """The refusal of one item as that of the whole batch: ``errors`` names the item."""
    own: Sequence[FieldError] = error.extra.get("errors") or [
        _wrong(None, error.code, error.detail)
    ]
    place = f"items.{index}"
    named = [{**one, "field": f"{place}.{one['field']}" if one["field"] else place} for one in own]
    error.detail = f"Nothing was charged, because of item {index}: {error.detail}"
    error.extra = {**error.extra, "errors": named}
    return error


def _refuse_any(asked: Sequence[Charge | OrgBillingError]) -> None:
    """Raise the first refusal; what isn't the caller's to spend comes before what is malformed."""
    refused = [(index, one) for index, one in enumerate(asked) if isinstance(one, OrgBillingError)]
    if refused:
        index, error = min(refused, key=lambda one: (one[1].code != "permission_denied", one[0]))
        raise at_item(index, error)


def _result(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Receipt):
        return {
            "status": 200 if outcome.replayed else 201,
            "usage": render_receipt(outcome),
        }
    if isinstance(outcome, Answer):
        return {"status": outcome.status, "error": json.loads(outcome.body)}
    status, document = problem_of(outcome)
    return {"status": status, "error": document}


def _wrong(field: str | None, code: str, detail: str) -> FieldError:
    return {"field": field, "code": code, "detail": detail}
