"""Small views that do one thing each, and the addresses of the floor."""

import psycopg
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, StreamingHttpResponse
from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication

from organizations.models import User
from orgbilling.lib.errors import NotFound, OrgBillingError, PermissionRefused
from orgbilling.web.fields import (
    CreditsField,
    MetadataField,
    MoneyField,
    QueryCharField,
    QueryDateTimeField,
    QueryUUIDField,
    StrictBooleanField,
    StrictCharField,
    StrictSerializer,
    StrictUUIDField,
    UtcDateTimeField,
)
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response, no_content
from orgbilling.web.views import ApiView


class Person:
    is_authenticated = True

    def __init__(self, pk):
        self.pk = pk


class Key:
    is_service_key = True

    def __init__(self, name):
        self.throttle_identity = f"key:{name}"


class Tokens(BaseAuthentication):
    def authenticate_header(self, request):
        return "Bearer"

    def authenticate(self, request):
        token = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if not token:
            return None
        if token.startswith("service"):
            return Person(token), Key(token)
        if token in {"alice", "bob"}:
            return Person(token), None
        raise exceptions.AuthenticationFailed("The token is unknown.")


class View(ApiView):
    authentication_classes = [Tokens]


class InnerSerializer(StrictSerializer):
    """A nested body."""

    credits = CreditsField()


class ThingSerializer(StrictSerializer):
    """A body with a field of every kind."""

    credits = CreditsField(required=False)
    name = StrictCharField(max_length=20, required=False)
    price = MoneyField(required=False)
    flag = StrictBooleanField(required=False)
    user_id = StrictUUIDField(required=False)
    at = UtcDateTimeField(required=False)
    metadata = MetadataField(required=False)
    inner = InnerSerializer(required=False)
    items = InnerSerializer(many=True, required=False)
    id = serializers.CharField(read_only=True)


class ThingAnswerSerializer(serializers.Serializer):
    """What was understood."""

    given = serializers.JSONField()


class FilterSerializer(serializers.Serializer):
    """Filters of the list."""

    user_id = QueryUUIDField(required=False)
    start = QueryDateTimeField(required=False)
    name = QueryCharField(required=False)


class UserSerializer(serializers.Serializer):
    """A user."""

    email = serializers.CharField()


class ThingView(View):
    service_budget = True

    def authorize(self, request):
        if request.user.pk == "bob":
            raise PermissionRefused("Bob may not.")

    @operation(
        summary="Read a thing",
        responses={200: (ThingAnswerSerializer, {"given": {}})},
        query=FilterSerializer,
    )
    def get(self, request, thing_id=None):
        if str(thing_id or "").startswith("ffffffff"):
            raise NotFound
        return json_response({"given": self.query(request, FilterSerializer), "id": thing_id})

    @operation(
        summary="Make a thing",
        request=ThingSerializer,
        request_example={"credits": 1},
        responses={201: (ThingAnswerSerializer, {"given": {"credits": 1}})},
        errors=["insufficient_credits"],
        idempotent=True,
    )
    def post(self, request, thing_id=None):
        return json_response({"given": self.validated(request, ThingSerializer)}, 201)

    @operation(summary="Remove a thing", responses={204: None})
    def delete(self, request, thing_id=None):
        return no_content()


class UsersView(View):
    @operation(
        summary="List users",
        responses={200: (page(UserSerializer), page_example({"email": "a@example.com"}))},
        paginated=True,
    )
    def get(self, request):
        rows = User.objects.all()
        return json_response(paginate(request, rows, lambda user: {"email": user.email}))


class PublicView(ApiView):
    public = True

    @operation(summary="Greet", responses={200: (ThingAnswerSerializer, {"given": 1})})
    def get(self, request):
        return json_response({"given": 1})


class CsvView(View):
    produces = "text/csv"

    @operation(summary="Export", responses={200: None}, media_type="text/csv")
    def get(self, request):
        return StreamingHttpResponse(iter([b"a,b\r\n"]), content_type="text/csv")


class DomainError(OrgBillingError):
    code = "insufficient_credits"
    title = "Insufficient credits"
    stored = True


FAILURES = {
    "domain": lambda: DomainError("Too few.", requested=50, remaining=40),
    "missing": Http404,
    "forbidden": PermissionDenied,
    "suspicious": lambda: SuspiciousOperation("secret"),
    "lost": lambda: OperationalError("connection to 10.0.0.7 refused"),
    "interface": lambda: InterfaceError("connection already closed"),
    "psycopg": lambda: psycopg.OperationalError("no route to 10.0.0.7"),
    "data": lambda: DataError("bigint out of range"),
    "nul": lambda: ValueError("A string literal cannot contain NUL (0x00) characters."),
    "unicode": "\ud800".encode,
    "recursion": RecursionError,
    "bug": lambda: ValueError("the password is hunter2"),
    "drf_404": exceptions.NotFound,
    "drf_parse": exceptions.ParseError,
}


class FailingView(View):
    @extend_schema(exclude=True)
    def get(self, request, kind):
        error = FAILURES[kind]()
        raise error

    path_ids = ()


def broken(request):
    error = FAILURES[request.GET["kind"]]()
    raise error


urlpatterns = [
    path("", include("orgbilling.web.urls")),
    path("api/things", ThingView.as_view()),
    path("api/things/<str:thing_id>", ThingView.as_view()),
    path("api/users", UsersView.as_view()),
    path("api/public", PublicView.as_view()),
    path("api/csv", CsvView.as_view()),
    path("api/fail/<str:kind>", FailingView.as_view()),
    path("plain", broken),
    path("admin/plain", broken),
]

handler400 = "orgbilling.web.failures.bad_request"
handler403 = "orgbilling.web.failures.permission_denied"
handler404 = "orgbilling.web.failures.page_not_found"
handler500 = "orgbilling.web.failures.server_error"
