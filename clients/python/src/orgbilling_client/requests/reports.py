"""What was used: row by row, in sums, and as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from orgbilling_client.calls import Call, Id, given, read
from orgbilling_client.models.charging import Usage
from orgbilling_client.models.reports import Summary
from orgbilling_client.paging import Page, pages
from orgbilling_client.parsing import parse
from orgbilling_client.requests.pools import of

GroupBy = Literal["day", "service", "user"]
Filters = dict[str, object]


def filters(
    user_id: Id | None,
    service: str | None,
    service_type: str | None,
    start: datetime | None,
    end: datetime | None,
) -> Filters:
    """Return what narrows usage down."""
    return given(
        user_id=user_id, service_name=service, service_type=service_type, start=start, end=end
    )


def usage(org_id: str, chosen: Filters, page_size: int) -> Call[Page[Usage]]:
    """List usage, newest first."""
    return pages(f"{of(org_id)}/usage", Usage, chosen, page_size)


def usage_summary(org_id: str, group_by: GroupBy, chosen: Filters) -> Call[Summary]:
    """Sum usage up."""
    query = {"group_by": group_by, **chosen}
    return read(
        f"{of(org_id)}/usage/summary", lambda answer: parse(Summary, answer.document), query
    )


def export_usage(org_id: str, chosen: Filters) -> Call[None]:
    """Ask for usage as CSV; the answer is a stream."""
    return read(f"{of(org_id)}/usage/export", lambda _answer: None, chosen)
