"""Reading an organization's usage: as a list, summed up, and as a file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from credits import reports
from credits.api import examples
from credits.api.csv_export import HEADER, csv_lines
from credits.api.rendering import render_usage
from credits.api.serializers import (
    SummaryQuerySerializer,
    SummarySerializer,
    UsageQuerySerializer,
    UsageSerializer,
)
from credits.api.spending import sees_only_own
from credits.models import Usage
from organizations.access import MEMBER, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.lib.clock import now
from orgbilling.lib.errors import InvalidRequest, PermissionRefused
from orgbilling.lib.replica import from_replica
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.responses import json_response, rfc3339

WINDOW_DEFAULT = timedelta(days=30)
WINDOW_MAX = timedelta(days=366)
CSV = "text/csv"


class UsageReadingView(OrgView):
    """A view of usage rows, of which a plain member sees their own."""

    rules: ClassVar[dict[str, Rule]] = {"GET": Rule(MEMBER, Scope.CREDITS_READ)}

    def filters(
        self, request: Request, org_id: UUID, serializer: type[Serializer[Any]]
    ) -> dict[str, Any]:
        """The query string's filters, narrowed to what the caller may see.

        Raises:
            ValidationError: 400.
            PermissionRefused: a plain member asks for somebody else's.
        """
        wanted = self.query(request, serializer)
        if sees_only_own(self.principal, org_id):
            own = self.principal.actor_user_id
            if wanted.setdefault("user_id", own) != own:
                raise PermissionRefused(
                    "A member sees their own usage; org billing roles see everybody's."
                )
        return wanted


class UsageView(UsageReadingView):
    """The usage of an organization."""

    @operation(
        summary="List an organization's usage",
        description="Newest first. Org billing roles and keys see all; a member sees their own rows.",
        query=UsageQuerySerializer,
        responses={200: (page(UsageSerializer), page_example(examples.USAGE))},
        paginated=True,
        tags=["credits"],
    )
    def get(self, request: Request, org_id: UUID) -> HttpResponse:
        """A page, filtered."""
        self.organization()
        wanted = self.filters(request, org_id, UsageQuerySerializer)
        rows = filtered(Usage.objects.with_refunds().filter(org_id=org_id), wanted)
        return json_response(from_replica(paginate)(request, rows, render_usage))


class UsageSummaryView(UsageReadingView):
    """The usage of an organization, summed up."""

    @operation(
        summary="Sum up an organization's usage",
        description="Credits net of refunds, and the number of charges, in total and by day (UTC), service or user. "
        f"The last {WINDOW_DEFAULT.days} days unless `start` and `end` say otherwise, at most {WINDOW_MAX.days} days. "
        "The filters are those of the list.",
        query=SummaryQuerySerializer,
        responses={200: (SummarySerializer, examples.SUMMARY)},
        tags=["credits"],
    )
    def get(self, request: Request, org_id: UUID) -> HttpResponse:
        """Totals and groups."""
        self.organization()
        wanted = self.filters(request, org_id, SummaryQuerySerializer)
        group_by = wanted.pop("group_by")
        window = window_of(wanted.pop("start", None), wanted.pop("end", None))
        usage = reports.Selection(window.start, window.end, (org_id,), **wanted)
        groups = from_replica(reports.grouped_by)(usage, group_by)
        return json_response(
            {
                "group_by": group_by,
                "start": rfc3339(window.start),
                "end": rfc3339(window.end),
                "credits_used": sum(group["credits_used"] for group in groups),
                "request_count": sum(group["request_count"] for group in groups),
                "groups": groups,
            }
        )


class UsageExportView(UsageReadingView):
    """The usage of an organization as a file."""

    produces = CSV

    @operation(
        summary="Export an organization's usage as CSV",
        description="All rows that the list would have with the same filters, newest first, as one file that is sent "
        "while it is read. Texts that a spreadsheet would take for a formula begin with an apostrophe.",
        query=UsageQuerySerializer,
        responses={200: ({"type": "string"}, HEADER)},
        media_type=CSV,
        tags=["credits"],
    )
    def get(self, request: Request, org_id: UUID) -> StreamingHttpResponse:
        """A stream of lines."""
        organization = self.organization()
        wanted = self.filters(request, org_id, UsageQuerySerializer)
        rows = filtered(Usage.objects.with_refunds().filter(org_id=org_id), wanted)
        name = f"usage-{organization.name}-{now():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            csv_lines(rows),
            content_type=f"{CSV}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class Window(NamedTuple):
    """From a moment, inside, to another, outside."""

    start: datetime
    end: datetime


def window_of(start: datetime | None, end: datetime | None) -> Window:
    """The window that a summary covers.

    Raises:
        InvalidRequest: it ends before it begins, or is too long.
    """
    until = end or max(now(), start or now())
    try:
        since = start or until - WINDOW_DEFAULT
    except OverflowError as exc:
        raise InvalidRequest("end", "There are no 30 days before that.", "window") from exc
    if since > until:
        raise InvalidRequest("end", "The end is before the start.", "window")
    if until - since > WINDOW_MAX:
        detail = f"A summary covers at most {WINDOW_MAX.days} days."
        raise InvalidRequest("start", detail, "window")
    return Window(since, until)


def filtered(rows: QuerySet[Usage], wanted: dict[str, Any]) -> QuerySet[Usage]:
    """Usage rows by the filters of ``UsageQuerySerializer``."""
    columns = {"user_id": "user_id", "service_name": "service_name", "service_type": "service_type"}
    columns |= {"start": "created_at__gte", "end": "created_at__lt"}
    return rows.filter(**{columns[name]: value for name, value in wanted.items()})
