"""Settling a hold: capturing what the work cost, or releasing what isn't needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from credits import holding
from credits.api import examples
from credits.api.holds import HoldRowView
from credits.api.keys import REPLAYED, answer_at_once
from credits.api.rendering import render_captured, render_hold
from credits.api.serializers import (
    CapturedSerializer,
    CaptureSerializer,
    HoldSerializer,
    ReleaseSerializer,
)
from credits.functions import Origin
from credits.idempotency import hash_body
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id

CAPTURE, RELEASE = "capture", "release"
#: A JSON document of what was done, and whether it was done before.
Done = tuple[dict[str, Any], bool]
Result = TypeVar("Result")
#: What settles a hold of an organization for somebody.
Work = Callable[[UUID, Origin], Result]


class SettlingView(HoldRowView):
    """What capture and release share: a settled hold answers the same request again, any other with 409."""

    def settle(
        self,
        request: Request,
        *,
        operation: str,
        key: str | None,
        work: Work[Done],
        at_once: Work[Done | None] | None = None,
    ) -> HttpResponse:
        """Do the work, once for its key when it has one, and answer 200.

        Args:
            at_once: does the work once for its key in one round trip; None when the key has to be claimed for it.

        Raises:
            NotFound, PermissionRefused: the organization named has no such hold.
            OrgBillingError: what forbids it.
        """
        org_id, before = self.org_id, False
        if org_id is None:
            raise self.missing()

        def origin(key: str | None, body_hash: bytes) -> Origin:
            return Origin(self.principal.actor, current_request_id(), key, body_hash)

        def once(key: str | None, body_hash: bytes) -> tuple[int, Any]:
            nonlocal before
            document, before = work(org_id, origin(key, body_hash))
            return 200, document

        def unclaimed(key: str, body_hash: bytes) -> tuple[int, Any, bool] | None:
            done = None if at_once is None else at_once(org_id, origin(key, body_hash))
            return None if done is None else (200, *done)

        try:
            response = answer_at_once(
                key,
                org_id=org_id,
                operation=operation,
                path_ids={"hold_id": self.kwargs["hold_id"]},
                body=self.body(request),
                work=once,
                at_once=None if at_once is None else unclaimed,
            )
        except NotFound:
            self.require_there()
            raise
        if before:
            response.headers[REPLAYED] = "true"
        return response


class CaptureView(SettlingView):
    """Charges a hold."""

    @operation(
        summary="Capture a hold",
        description="Charges `credits` of the hold, all that is left of it when they are not named. A final "
        "capture, the default, gives back what was not captured. With `final: false`, which needs an "
        "Idempotency-Key, the rest stays reserved for further captures. The same final capture again is answered "
        "with the first. With `org_id` the request is one round trip to the ledger.",
        request=CaptureSerializer,
        request_example=examples.CAPTURE,
        responses={200: (CapturedSerializer, examples.CAPTURED)},
        errors=("hold_not_pending", "hold_amount_exceeded"),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request, hold_id: UUID) -> HttpResponse:
        """200 with the hold and the usage row."""
        wanted, key = self.checked(request, CaptureSerializer)
        if not wanted["final"] and key is None:
            self.require_there()
            raise InvalidRequest(
                "Idempotency-Key",
                "A capture that isn't final needs an Idempotency-Key: a retry would capture twice.",
                "key_required",
            )
        credits, metadata = wanted.get("credits"), wanted.get("metadata") or {}
        part: dict[str, Any] = {
            "hold_id": hold_id,
            "credits": credits,
            "final": wanted["final"],
            "metadata": metadata,
            "body_hash": hash_body(
                CAPTURE, {"hold_id": hold_id}, {"credits": credits, "metadata": metadata}
            ),
        }

        def work(org_id: UUID, origin: Origin) -> Done:
            captured = holding.capture(org_id=org_id, origin=origin, **part)
            return render_captured(captured), captured.replayed

        def at_once(org_id: UUID, origin: Origin) -> Done | None:
            captured = holding.capture_once(org_id=org_id, origin=origin, **part)
            return None if captured is None else (render_captured(captured), captured.replayed)

        return self.settle(request, operation=CAPTURE, key=key, work=work, at_once=at_once)


class ReleaseView(SettlingView):
    """Gives a hold back."""

    @operation(
        summary="Release a hold",
        description="Gives back what was not captured. A second release is answered with the first. With `org_id` "
        "the request is one round trip to the ledger.",
        request=ReleaseSerializer,
        request_example=examples.RELEASE,
        responses={200: (HoldSerializer, examples.RELEASED)},
        errors=("hold_not_pending",),
        idempotent=True,
        tags=["credits"],
    )
    def post(self, request: Request, hold_id: UUID) -> HttpResponse:
        """200 with the hold."""
        _wanted, key = self.checked(request, ReleaseSerializer)
        same = hash_body(RELEASE, {"hold_id": hold_id}, {})

        def work(org_id: UUID, origin: Origin) -> Done:
            released = holding.release(
                org_id=org_id, hold_id=hold_id, body_hash=same, origin=origin
            )
            return render_hold(released.hold, released.hold.created_at), released.replayed

        return self.settle(request, operation=RELEASE, key=key, work=work)
