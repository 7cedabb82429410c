"""Charges of the past, row by row in bounded memory, and the refunds that mend them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from orgbilling.importing import cleaning, doors
from orgbilling.importing.accounts import Account, Person
from orgbilling.importing.mending import ZERO, Mends
from orgbilling.importing.people import People
from orgbilling.importing.rows import UsageRow
from orgbilling.importing.source import Source

TABLE: Final = "credit_usage_attribution"
#: Rows that are written by one call.
BATCH: Final = 2_000
#: Characters of details that are written by one call: PostgreSQL takes 256 MiB of them, as it packs them.
BATCH_DETAILS: Final = 4 * 2**20
SAID_EVERY: Final = 10_000
SERVICE_LENGTH_MAX: Final = 100
REQUEST_LENGTH_MAX: Final = 255
UNATTRIBUTED: Final = "opscenter_unattributed"


@dataclass(slots=True)
class Writer:
    """Cleans charges and writes them in batches; call `flush` at the end."""

    accounts: Mapping[str, Account]
    people: People
    mends: Mends
    request_id: str
    moment: datetime
    written: int = 0
    _org_id: uuid.UUID | None = None
    _items: list[dict[str, Any]] = field(default_factory=list)
    _details: int = 0

    def charges(self, source: Source, say: Callable[[str], object]) -> None:
        """Write every charge of the organizations that are imported."""
        said = 0
        for row in source.usage():
            account = self.accounts.get(row.org_id)
            if account is not None:
                self._charge(account, row)
            if self.written - said >= SAID_EVERY:
                said = self.written
                say(f"{self.written} charges")
        self.flush()

    def unattributed(self, *, give_back: bool) -> None:
        """Write the use that counters tell of and no charge does, and its refund."""
        for account in self.accounts.values():
            for person in account.people.values():
                if person.settled.unattributed:
                    self._add_unattributed(account, person, give_back=give_back)
        self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if self._items and self._org_id is not None:
            self.written += doors.import_usage(
                org_id=self._org_id, request_id=self.request_id, items=self._items
            )
        self._items, self._details = [], 0

    def _add(self, account: Account, *items: dict[str, Any]) -> None:
        org_id = account.tenant.organization.pk
        is_full = len(self._items) >= BATCH or self._details >= BATCH_DETAILS
        if org_id != self._org_id or is_full:
            self.flush()
            self._org_id = org_id
        self._items.extend(items)

    def _charge(self, account: Account, row: UsageRow) -> None:
        note = account.tenant.source_id
        if row.credits is None:
            self.mends.add("null_amount", note, TABLE, row.id, "none", 0)
        elif row.credits < 0:
            given = -row.credits
            self.mends.add(
                "negative_charge", note, TABLE, row.id, row.credits, "granted", total=given
            )
            return
        person = account.people[self.people.user(row.user_id).pk]
        item = self._item(account, person, row)
        if row.first_id == row.id:
            if row.is_repeated and not row.is_sole:
                self.mends.add("request_repeated", note, TABLE, row.id, row.request_id, "kept")
            self._add(account, item)
        elif item["credits"]:
            credits = item["credits"]
            told = f"{credits} credits, as {row.first_id}"
            self.mends.add("double_debit", note, TABLE, row.id, told, "refunded", spendable=credits)
            self._add(account, item, _refund(item, row.first_id))
        else:
            self._add(account, item)

    def _item(self, account: Account, person: Person, row: UsageRow) -> dict[str, Any]:
        note = account.tenant.source_id
        self._details += len(row.metadata or "")
        details, is_object = cleaning.details(row.metadata)
        if not is_object:
            self.mends.add("details", note, TABLE, row.id, row.metadata, "put into an object")
        extra = _extra(row)
        kind = self._line(note, row, row.service_type)
        service = self._line(note, row, row.service_name) or kind
        if not service:
            self.mends.add("service_missing", note, TABLE, row.id, "none", "unknown")
            service = "unknown"
        if max(len(service), len(kind)) > SERVICE_LENGTH_MAX:
            self.mends.add("text_long", note, TABLE, row.id, service, service[:SERVICE_LENGTH_MAX])
            extra |= {"service_name": service, "service_type": kind}
        key = cleaning.identity(row.id, TABLE, account.tenant.namespace)
        request = row.request_id or f"opscenter:{row.id}"
        if len(request) > REQUEST_LENGTH_MAX:
            extra["request_id"] = request
        return {
            "id": str(key),
            "allocation": str(person.allocation_id),
            "user": str(person.user_id),
            "credits": cleaning.down(row.credits or ZERO),
            "type": kind[:SERVICE_LENGTH_MAX] or None,
            "service": service[:SERVICE_LENGTH_MAX],
            "request": request[:REQUEST_LENGTH_MAX],
            "metadata": details | {"opscenter": extra} if extra else details,
            "key": cleaning.key(row.request_id) if row.is_sole else None,
            "actor": f"user:{person.user_id}",
            "at": self._moment(account, row).isoformat(),
        }

    def _line(self, note: str, row: UsageRow, text: str | None) -> str:
        line = cleaning.line(text or "")
        if line != (text or ""):
            self.mends.add("text_controls", note, TABLE, row.id, text, line)
        return line

    def _moment(self, account: Account, row: UsageRow) -> datetime:
        tenant = account.tenant
        if row.created_at is None:
            self.mends.add("moment_missing", tenant.source_id, TABLE, row.id, "none", tenant.since)
            return tenant.since
        if row.created_at > self.moment:
            self.mends.add(
                "moment_future", tenant.source_id, TABLE, row.id, row.created_at, self.moment
            )
            return self.moment
        return row.created_at

    def _add_unattributed(self, account: Account, person: Person, *, give_back: bool) -> None:
        told = f"unattributed/{person.allocation_id}"
        made = cleaning.identity(told, TABLE, account.tenant.namespace)
        item = {
            "id": str(made),
            "allocation": str(person.allocation_id),
            "user": str(person.user_id),
            "credits": person.settled.unattributed,
            "type": None,
            "service": UNATTRIBUTED,
            "request": None,
            "metadata": {"opscenter": {"used_credits": str(person.counters.used)}},
            "key": None,
            "actor": doors.ACTOR,
            "at": None,
        }
        self._add(account, item, *([_refund(item, "")] if give_back else []))


def _refund(item: Mapping[str, Any], first_id: str) -> dict[str, Any]:
    """The refund of a charge, at the moment of the import."""
    why = {"double_debit_of": first_id} if first_id else {"unattributed": True}
    return dict(item) | {
        "id": str(uuid.uuid5(cleaning.NAMESPACE, f"refund:{item['id']}")),
        "credits": -item["credits"],
        "refund_of": item["id"],
        "metadata": {"opscenter": why},
        "key": None,
        "actor": doors.ACTOR,
        "at": None,
    }


def _extra(row: UsageRow) -> dict[str, Any]:
    """What this service has no columns for."""
    costs: dict[str, Decimal | None] = {"api_cost": row.api_cost, "markup": row.markup}
    extra: dict[str, Any] = {name: str(cost) for name, cost in costs.items() if cost}
    if row.credits and row.credits != row.credits.to_integral_value():
        extra["credits"] = str(row.credits)
    return extra
