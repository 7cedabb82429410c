"""The audit: who did what to which balance, before and after, why, from which request. Nothing here can be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse

from billing.models import AuditEntry
from billing.reports import audit_entries
from organizations.models import Organization
from orgbilling.console.dashboards import events
from orgbilling.console.dashboards.audit_search import AuditSearch
from orgbilling.console.pages import OrgPage, Page, SystemPage
from orgbilling.lib.replica import from_replica
from orgbilling.web.pagination import Keyset
from orgbilling.web.refusals import ValidationRefused

PAGE: Final = 50
ORDER: Final = Keyset()


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a row of the table."""

    entry: AuditEntry
    kind: str
    who: str
    url: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One value before and after; empty: it wasn't there."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether they differ."""
        return self.before != self.after


class Veiled(Page):
    """Who runs the service stays nameless to organizations."""

    @property
    def its(self) -> Organization | None:
        """The organization whose entries may be shown; None: everybody's."""
        return None

    @property
    def veiled(self) -> bool:
        """Whether the person may not know who runs the service."""
        return not self.principal.is_system_admin


class AuditPage(Veiled):
    """A page of entries, newest first, with what it is searched by."""

    title = "Audit"
    template_name = "console/audit.html"
    one: ClassVar[str]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the form, the rows and the way to older ones."""
        search = AuditSearch(self.request.GET, organization=self.its, veiled=self.veiled)
        search.is_valid()
        rows = self._from_cursor(search.entries())
        page = from_replica(_read)(rows[: PAGE + 1])
        if self.veiled and self.its is not None:
            events.veil(page, self.its.pk)
        lines = [
            Line(row, events.label(row.action), events.who(row), self.url_of(row))
            for row in page[:PAGE]
        ]
        return super().get_context_data(
            search=search,
            lines=lines,
            every_organization=self.its is None,
            older=self._older(page[PAGE - 1]) if len(page) > PAGE else "",
            newest=self._query(None) if "cursor" in self.request.GET else "",
            **kwargs,
        )

    def url_of(self, entry: AuditEntry) -> str:
        """The address of one entry's page."""
        where = [self.its.pk] if self.its is not None else []
        return reverse(f"admin:{self.one}", args=[*where, entry.pk])

    def _from_cursor(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """The rows after the place that the address names; all of them when it names none."""
        token = self.request.GET.get("cursor", "")
        if not token:
            return rows
        try:
            return rows.filter(ORDER.beyond(ORDER.parse(token)))
        except ValidationRefused:
            return rows

    def _older(self, last: AuditEntry) -> str:
        return self._query(ORDER.cursor_at(last, backwards=False))

    def _query(self, cursor: str | None) -> str:
        query = self.request.GET.copy()
        query.pop("cursor", None)
        if cursor is not None:
            query["cursor"] = cursor
        return f"?{query.urlencode()}"


class OrgAudit(AuditPage, OrgPage):
    """One organization's, for its billing roles."""

    one = "org_audit_entry"

    @property
    def its(self) -> Organization:
        """The organization."""
        return self.organization


class SystemAudit(AuditPage, SystemPage):
    """Everybody's, and what concerns no organization."""

    one = "system_audit_entry"


class EntryPage(Veiled):
    """Everything that is known of one entry."""

    template_name = "console/audit_entry.html"
    many: ClassVar[str]

    def page_title(self) -> str:
        """What kind of thing was done."""
        return events.label(self.entry().action)

    def entry(self) -> AuditEntry:
        """The entry, read once.

        Raises:
            Http404: there is none among those that may be shown.
        """
        if not hasattr(self, "_entry"):
            org_ids = [self.its.pk] if self.its is not None else None
            found = audit_entries(org_ids).filter(pk=self.kwargs["entry_id"]).first()
            if found is None:
                raise Http404
            if self.veiled and self.its is not None:
                events.veil([found], self.its.pk)
            self._entry = found
        return self._entry

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the entry in words, and its values before and after."""
        entry = self.entry()
        where = [self.its.pk] if self.its is not None else []
        return super().get_context_data(
            entry=entry,
            who=events.who(entry),
            sentence=events.sentence(entry),
            balances=[row for row in _balances(entry) if row.before or row.after],
            differences=differences(entry.before, entry.after),
            audit_url=reverse(f"admin:{self.many}", args=where),
            **kwargs,
        )


class OrgAuditEntry(EntryPage, OrgPage):
    """Of one organization, for its billing roles."""

    many = "org_audit"

    @property
    def its(self) -> Organization:
        """The organization."""
        return self.organization


class SystemAuditEntry(EntryPage, SystemPage):
    """Of any organization, or of none."""

    many = "system_audit"


def differences(before: Any, after: Any) -> list[Difference]:
    """Values of two JSON documents beside each other, one row a name; names inside names have dots."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return [Difference(name, old.get(name, ""), new.get(name, "")) for name in {**old, **new}]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(_word(inner) for inner in value) or "none"
    elif name:
        yield name, _word(value)


def _word(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _read(rows: QuerySet[AuditEntry]) -> list[AuditEntry]:
    return list(rows)


def _balances(entry: AuditEntry) -> list[Difference]:
    pairs = (
        ("Available in the pool", entry.available_before, entry.available_after),
        ("Left for the member", entry.remaining_before, entry.remaining_after),
    )
    return [
        Difference(name, "" if old is None else f"{old:,}", "" if new is None else f"{new:,}")
        for name, old, new in pairs
    ]
