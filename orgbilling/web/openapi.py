"""How a handler says what it takes and answers; ``orgbilling.web.schema`` turns that into OpenAPI 3.1.

    class PlansView(ApiView):
        @operation(summary="List the plans", responses={200: (PlanSerializer, PLAN_EXAMPLE)})
        def get(self, request): ...

The statuses that every operation shares (401, 403, 404 for an id in the path, 405, 406, 413, 415,
429, 500, 503, and 400 where there is something to get wrong) are added by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orgbilling.web.problems import PROBLEMS
from orgbilling.web.query import PAGING
from orgbilling.web.responses import JSON

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
SerializerClass = type[serializers.BaseSerializer[Any]]
#: A success: what its body looks like, a JSON Schema where it is no JSON, and one such body. None is a success
#: without a body.
Success = tuple[SerializerClass | dict[str, Any], Any] | None

EXAMPLE_REQUEST_ID: Final = "0193f2a4c1de7b0f8a53c2d4e6f70819"

#: Members that a problem has beside the standard ones, as examples.
EXTRA_MEMBERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "validation_error": {
        "errors": [
            {
                "field": "credits",
                "code": "min_value",
                "detail": "Ensure this value is greater than or equal to 1.",
            }
        ]
    },
    "unknown_field": {"unknown_fields": ["credts"]},
    "body_too_large": {"max_bytes": 262144},
    "rate_limited": {"policy": "write", "limit": 20, "window_seconds": 60},
    "insufficient_pool_credits": {"requested": 500, "available": 120},
    "insufficient_credits": {
        "requested": 50,
        "remaining": 40,
        "why": {
            "evaluated": [
                {
                    "limit": "allocation",
                    "passed": False,
                    "available": 40,
                    "needed": 50,
                    "short_by": 10,
                }
            ],
            "refused_by": "allocation",
            "resets_at": "2026-12-01T00:00:00Z",
            "raised_by": ["owner", "admin", "billing_admin"],
            "fix": "Allocate at least 10 more credits to this member: the pool has 9000 available.",
        },
    },
    "hold_not_pending": {"hold_status": "expired"},
    "hold_amount_exceeded": {"requested": 201, "left": 200},
    "refund_exceeds_usage": {"requested": 11, "refundable": 10},
}


@dataclass(frozen=True)
class Operation:
    """What ``operation`` was told."""

    summary: str
    description: str = ""
    request: SerializerClass | None = None
    request_example: Any = None
    responses: Mapping[int, Success] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    query: SerializerClass | None = None
    paginated: bool = False
    idempotent: bool = False
    tags: tuple[str, ...] = ()
    operation_id: str | None = None
    media_type: str = JSON


def operation(  # noqa: PLR0913 - a description has as many parts as it has
    *,
    summary: str,
    responses: Mapping[int, Success],
    description: str = "",
    request: SerializerClass | None = None,
    request_example: Any = None,
    errors: Sequence[str] = (),
    query: SerializerClass | None = None,
    paginated: bool = False,
    idempotent: bool = False,
    tags: Sequence[str] = (),
    operation_id: str | None = None,
    media_type: str = JSON,
) -> Callable[[HandlerT], HandlerT]:
    """Describe a handler of an ``ApiView``.

    Also the one place that says which query parameters a handler takes: the view refuses others.

    Args:
        summary: a few words, imperative.
        responses: status to ``(serializer, example)``, or to None when there is no body.
        description: more, in Markdown.
        request: the body's serializer.
        request_example: one body.
        errors: codes of ``orgbilling.web.problems`` beyond those every operation shares.
        query: the serializer of the query string.
        paginated: the handler answers with ``pagination.paginate``; adds ``page_size``.
        idempotent: the handler honours ``Idempotency-Key``.
        tags: the chapters of the documentation.
        operation_id: for generated clients; made from the path when None.
        media_type: of a success, when not JSON.

    Raises:
        ValueError: an error code that the catalogue doesn't have.
    """
    unknown = [code for code in errors if code not in PROBLEMS]
    if unknown:
        message = f"Not in orgbilling.web.problems: {', '.join(unknown)}."
        raise ValueError(message)
    described = Operation(
        summary=summary,
        description=description,
        request=request,
        request_example=request_example,
        responses=dict(responses),
        errors=tuple(errors),
        query=query,
        paginated=paginated,
        idempotent=idempotent,
        tags=tuple(tags),
        operation_id=operation_id,
        media_type=media_type,
    )

    def describe(handler: HandlerT) -> HandlerT:
        names = set(query().fields) if query is not None else set()  # type: ignore[attr-defined]
        handler.operation = described  # type: ignore[attr-defined]
        handler.query_names = frozenset(names | (PAGING if paginated else set()))  # type: ignore[attr-defined]
        return handler

    return describe


@cache
def page(of: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The serializer of a page of ``of``, for ``responses``."""
    name = of.__name__.removesuffix("Serializer")
    follow = "Follow it as it is: the cursor in it is opaque and signed."
    return type(
        f"{name}PageSerializer",
        (serializers.Serializer,),
        {
            "__doc__": f"A page of {name}.",
            "results": of(many=True),
            "next": serializers.URLField(
                allow_null=True, help_text=f"The next page; null on the last one. {follow}"
            ),
            "previous": serializers.URLField(
                allow_null=True, help_text=f"The page before; null on the first one. {follow}"
            ),
        },
    )


def page_example(*rows: Any) -> dict[str, Any]:
    """An example of a page with these rows and no other pages."""
    return {"results": list(rows), "next": None, "previous": None}


def problem_example(code: str) -> dict[str, Any]:
    """A problem document as an example."""
    problem = PROBLEMS[code]
    return {
        "type": f"https://billing.example.com/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "code": code,
        "detail": problem.meaning,
        "request_id": EXAMPLE_REQUEST_ID,
        **EXTRA_MEMBERS.get(code, {}),
    }


class FieldErrorSerializer(serializers.Serializer[Any]):
    """One rule that the request broke."""

    field = serializers.CharField(
        allow_null=True, help_text="Dotted path of the field; null when it is the whole body."
    )
    code = serializers.CharField(help_text="The rule.")
    detail = serializers.CharField()


@extend_schema_field({"type": "string", "enum": sorted(PROBLEMS)})
class _CodeField(serializers.CharField):
    """A code of the catalogue."""


class ProblemSerializer(serializers.Serializer[Any]):
    """A problem document (RFC 9457). Some codes have further members; each example shows its own."""

    type = serializers.URLField(help_text="An address that explains the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = _CodeField(help_text="Stable: programs decide by it, never by the texts.")
    detail = serializers.CharField(help_text="What happened this time, for people.")
    request_id = serializers.CharField(help_text="The same as the header X-Request-ID.")
    errors = FieldErrorSerializer(  # type: ignore[assignment]
        many=True, required=False, help_text="Only of validation_error."
    )
