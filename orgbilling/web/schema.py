"""OpenAPI 3.1 of the views, made by drf-spectacular from what ``openapi.operation`` was told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

from django.core import validators
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from orgbilling.web.errors import PROBLEM_JSON, STATUS
from orgbilling.web.fields import MetadataField, StrictCharField, StrictSerializer
from orgbilling.web.openapi import EXAMPLE_REQUEST_ID, Operation, ProblemSerializer, problem_example
from orgbilling.web.pagination import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from orgbilling.web.problems import PROBLEMS
from orgbilling.web.views import ApiView

Json = dict[str, Any]

_STORABLE = "^[^\\u0000]+$"
_TEXT: Json = {"type": "string"}
_SECURITY: dict[str, Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`obk_…`) or a token (JWT) of the configured identity provider.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The console's session; writes need the X-CSRFToken header too.",
    },
}
_HEADERS: dict[str, tuple[str, str, bool]] = {
    "X-Request-ID": ("The request's id: the caller's when acceptable.", EXAMPLE_REQUEST_ID, True),
    "RateLimit-Policy": ("Quota q in a window of w seconds.", '"write";q=20;w=60', False),
    "RateLimit": ("Requests r left, for t more seconds.", '"write";r=19;t=42', False),
    "Retry-After": ("Seconds to wait before sending the same again.", "1", False),
    "WWW-Authenticate": ("How to authenticate (RFC 6750).", 'Bearer realm="org-billing"', True),
    "Allow": ("The methods of this address.", "GET, HEAD", True),
    "Idempotent-Replayed": ("true when this is the first answer again.", "true", False),
}
_EVERYWHERE = ("X-Request-ID", "RateLimit-Policy", "RateLimit")
_BY_STATUS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


class OperationSchema(AutoSchema):
    """``DEFAULT_SCHEMA_CLASS``: reads ``operation`` off the handlers of ``ApiView``s."""

    @property
    def operation(self) -> Operation | None:
        """What the handler says of itself; None for views that aren't ours."""
        handler = getattr(self.view, self.method.lower(), None)
        return cast("Operation | None", getattr(handler, "operation", None))

    def is_excluded(self) -> bool:
        """Leave out handlers that don't describe themselves and aren't ``ApiView``s."""
        return self.operation is None and not isinstance(self.view, ApiView)

    def get_operation_id(self) -> str:
        """The given id, else one made from the path."""
        told = self.operation
        return (told.operation_id if told else None) or super().get_operation_id()

    def get_summary(self) -> str | None:
        """A few words."""
        return self.operation.summary if self.operation else super().get_summary()

    def get_description(self) -> str:  # type: ignore[override]
        """What was told; docstrings are written for programmers of the service."""
        return self.operation.description if self.operation else super().get_description()

    def get_tags(self) -> list[str]:
        """The chapters."""
        told = self.operation.tags if self.operation else ()
        return list(told) or super().get_tags()

    def get_auth(self) -> list[Json]:
        """Any of the schemes; none for public views."""
        if getattr(self.view, "public", False):
            return []
        for name, scheme in _SECURITY.items():
            self._register(ResolvedComponent.SECURITY_SCHEMA, name, scheme)
        return [{name: []} for name in _SECURITY]

    def get_request_serializer(self) -> Any:
        """The body and its example."""
        told = self.operation
        if told is None or told.request is None:
            return None
        examples = []
        if told.request_example is not None:
            examples = [OpenApiExample("request", value=told.request_example, request_only=True)]
        return {"application/json": OpenApiRequest(told.request, examples=examples)}

    def get_response_serializers(self) -> Any:
        """The successes and their examples."""
        told = self.operation
        if told is None:
            return super().get_response_serializers()
        return {
            (status, told.media_type): OpenApiResponse(
                success[0] if success else None,
                description="Success.",
                examples=[OpenApiExample("response", value=success[1])] if success else [],
            )
            for status, success in told.responses.items()
        }

    def get_override_parameters(self) -> list[Any]:
        """The query string and the idempotency key."""
        told = self.operation
        if told is None:
            return []
        parameters: list[Any] = [told.query] if told.query is not None else []
        if told.paginated:
            parameters.append(_PAGE_SIZE)
        if told.idempotent:
            parameters.append(_IDEMPOTENCY_KEY)
        return parameters

    def _resolve_path_parameters(self, variables: Iterable[str]) -> list[Json]:
        parameters: list[Json] = super()._resolve_path_parameters(variables)
        ids = getattr(self.view, "path_ids", None)
        for parameter in parameters:
            if ids is None or parameter["name"] in ids:
                parameter["schema"] = {"type": "string", "format": "uuid"}
        return parameters

    def _get_response_bodies(self, direction: Any = "response") -> Json:
        bodies: Json = super()._get_response_bodies(direction)
        told = self.operation
        if told is None:
            return bodies
        by_status: dict[int, list[str]] = defaultdict(list)
        for code in (*self._shared_codes(told), *told.errors):
            if code not in by_status[STATUS[code]]:
                by_status[STATUS[code]].append(code)
        for status, codes in by_status.items():
            if status in told.responses:
                continue
            bodies[str(status)] = self._problem_response(status, sorted(codes), told)
        return dict(sorted(bodies.items()))

    def _shared_codes(self, told: Operation) -> list[str]:
        codes = ["method_not_allowed", "body_too_large", "not_acceptable"]
        # A query string that nobody asked for can be got wrong everywhere.
        codes += ["validation_error", "internal_error", "database_unavailable"]
        if getattr(self.view, "limited", True):
            codes.append("rate_limited")
        if not getattr(self.view, "public", False):
            codes += ["not_authenticated", "authentication_failed", "permission_denied"]
        if "{" in self.path:
            codes.append("not_found")
        if self.method in {"POST", "PUT", "PATCH", "DELETE"}:
            codes.append("unsupported_media_type")
        if told.request is not None:
            codes += ["malformed_json", "unknown_field"]
        if told.idempotent:
            codes += ["idempotency_key_reused", "request_in_progress", "outcome_unknown"]
        return codes

    def _problem_response(self, status: int, codes: list[str], told: Operation) -> Json:
        replayed = told.idempotent and status == 402
        name = "Or".join("".join(word.title() for word in code.split("_")) for code in codes)
        problem = self.resolve_serializer(ProblemSerializer, "response")
        body = {
            "description": "\n".join(f"`{code}`: {PROBLEMS[code].meaning}" for code in codes),
            "headers": self._headers(_BY_STATUS.get(status, ()), replayed=replayed),
            "content": {
                PROBLEM_JSON: {
                    "schema": problem.ref,
                    "examples": {code: {"value": problem_example(code)} for code in codes},
                }
            },
        }
        return self._register(
            ResolvedComponent.RESPONSE, f"{name}{'Replayed' if replayed else ''}", body
        )

    def _get_response_headers_for_code(self, status_code: str, direction: Any = "response") -> Json:
        told = self.operation
        return self._headers((), replayed=told is not None and told.idempotent)

    def _headers(self, names: Iterable[str], *, replayed: bool) -> Json:
        listed = [*_EVERYWHERE, *names, *(["Idempotent-Replayed"] if replayed else [])]
        return {
            name: self._register(ResolvedComponent.HEADER, name, _header(name)) for name in listed
        }

    def _register(self, kind: str, name: str, schema: Json) -> Json:
        component = ResolvedComponent(name=name, type=kind, schema=schema, object=name)
        self.registry.register_on_missing(component)
        return component.ref

    def _get_request_for_media_type(
        self, serializer: Any, direction: Any = "request"
    ) -> tuple[Any, bool]:
        """A body of which one field out of several is needed can't be left out either."""
        schema, required = super()._get_request_for_media_type(serializer, direction)
        return schema, required or bool(getattr(serializer, "exactly_one_of", ()))

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Json:
        schema: Json = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer) and direction == "request":
            schema["additionalProperties"] = False
            if serializer.exactly_one_of:
                schema["oneOf"] = [
                    {"required": [name, *serializer.needed_with.get(name, ())]}
                    for name in serializer.exactly_one_of
                ]
        return schema

    def _map_serializer_field(
        self,
        field: Any,
        direction: Any,
        bypass_extensions: bool = False,  # noqa: FBT001, FBT002
    ) -> Json:
        schema: Json = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, MetadataField) and direction == "request":
            schema["propertyNames"] = _STORABLE_TEXT
            schema["additionalProperties"] = self._json_value()
        return schema

    def _insert_field_validators(self, field: Any, schema: Json) -> None:
        """Say that NUL is refused, where no other pattern says more."""
        described = {"pattern", "format", "enum", "const", "$ref"} & schema.keys()
        patterned = any(isinstance(item, _PATTERNED) for item in field.validators)
        if isinstance(field, StrictCharField) and not described and not patterned:
            schema["pattern"] = _STORABLE
        super()._insert_field_validators(field, schema)

    def _json_value(self) -> Json:
        ref = {"$ref": "#/components/schemas/JsonValue"}
        return self._register(
            ResolvedComponent.SCHEMA,
            "JsonValue",
            {
                "description": "Any JSON value whose texts have no NUL character.",
                "anyOf": [
                    {"type": "null"},
                    {"type": "boolean"},
                    {"type": "number"},
                    _STORABLE_TEXT,
                    {"type": "array", "items": ref},
                    {
                        "type": "object",
                        "propertyNames": _STORABLE_TEXT,
                        "additionalProperties": ref,
                    },
                ],
            },
        )


_PATTERNED = (validators.RegexValidator, validators.EmailValidator, validators.URLValidator)
_STORABLE_TEXT: Json = {"type": "string", "pattern": "^[^\\u0000]*$"}
_PAGE_SIZE = OpenApiParameter(
    "page_size",
    {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE_DEFAULT},
    OpenApiParameter.QUERY,
    description="Rows on a page. To see further pages follow `next`.",
)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Makes a retry harmless: the same key and body get the first answer again.",
)


def _header(name: str) -> Json:
    description, example, required = _HEADERS[name]
    return {"description": description, "required": required, "schema": _TEXT, "example": example}
