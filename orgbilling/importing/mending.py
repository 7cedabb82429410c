"""What is wrong in the source, what is done about it, and why; and the record of each time it was done."""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import IO, Any, Final

ZERO: Final = Decimal(0)
#: So many rows of a kind are shown to people; the report's file has all of them.
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: what is found, what becomes of it. ``asks``: somebody should look at it."""

    found: str
    done: str
    asks: bool = False


#: Each kind that there is; docs/import.md says why. Where credits are at stake, the customer has the benefit.
KINDS: Final[dict[str, Kind]] = {
    # Credits.
    "total_negative": Kind("a pool's total below zero", "0"),
    "over_allocated": Kind(
        "members have more than the pool's total", "the difference is granted", asks=True
    ),
    "allocated_deviates": Kind(
        "the pool's allocated is not the sum of its allocations", "available = total - that sum"
    ),
    "allocation_negative": Kind("an allocation below zero", "0"),
    "remaining_deviates": Kind(
        "remaining is not allocated - used",
        "what the member saw is kept, the difference granted",
        asks=True,
    ),
    "remaining_negative": Kind(
        "a member has spent more than they had", "0 left, the difference granted"
    ),
    "negative_charge": Kind(
        "a charge below zero, which gave credits",
        "they stay and are granted; no usage row",
        asks=True,
    ),
    "used_below_usage": Kind(
        "the member's counter is below the sum of the charges", "the difference is granted"
    ),
    "unattributed_use": Kind(
        "the member's counter is above the sum of the charges",
        "a charge of the difference, refunded unless --unattributed charge",
        asks=True,
    ),
    "double_debit": Kind("a request was charged twice", "the second charge is refunded", asks=True),
    "request_repeated": Kind(
        "a request has several charges of several amounts or people",
        "all are kept, without a key",
        asks=True,
    ),
    "pool_used_deviates": Kind(
        "the pool's used is not its members'", "it is the sum of the members'"
    ),
    "fraction": Kind("a fraction of a credit", "charges rounded down, balances up"),
    "null_amount": Kind("no amount", "0"),
    # People and organizations.
    "user_without_email": Kind(
        "a person without a valid e-mail address",
        "a placeholder; --users names a file with addresses",
        asks=True,
    ),
    "user_merged": Kind("several accounts of one e-mail address", "one person"),
    "user_unknown": Kind("the shared user of requests without one", "a person who can't sign in"),
    "not_a_member": Kind(
        "credits or charges of somebody who is no member", "what is left goes to the pool"
    ),
    "allocation_inactive": Kind("a switched-off allocation", "what is left goes to the pool"),
    "member_derived": Kind("there is no table of members", "whoever has an allocation is one"),
    "member_inactive": Kind("a switched-off membership", "not a member"),
    "role": Kind("a role in another case, or unknown here", "the same role, or member"),
    "owner_missing": Kind(
        "an organization without an owner", "its highest or oldest member is the owner", asks=True
    ),
    "organization_missing": Kind(
        "rows of an organization that there is not", "one of that id, suspended", asks=True
    ),
    "organization_found": Kind(
        "an empty organization of that id or name is here already",
        "it is filled, and its members stay",
        asks=True,
    ),
    "organization_renamed": Kind("a name that is no slug, or taken", "a slug made of it"),
    "organization_status": Kind("a status that is unknown here", "suspended"),
    # Subscriptions and money.
    "second_subscription": Kind("a second live subscription", "canceled", asks=True),
    "price_negative": Kind("a price below zero", "0.00", asks=True),
    "price_deviates": Kind("a price that is not the plan's here", "kept", asks=True),
    "cycle": Kind("a billing cycle that is unknown here", "monthly", asks=True),
    "subscription_status": Kind(
        "a status in another spelling, or past due", "the same state here; past due: active"
    ),
    "period": Kind(
        "a period without an end, or that has ended", "the one that it is now, nothing charged"
    ),
    "period_long": Kind("a period or a trial that is far longer than its cycle", "kept", asks=True),
    "overage_limit": Kind(
        "an overage limit below zero, or above the plan's", "within 0 and the plan's"
    ),
    "overage_allowed": Kind("overage without a paid subscription", "switched off"),
    "overage_rate": Kind("an overage rate below zero or with more than two places", "rounded down"),
    "refresh_amount": Kind("a monthly refresh below zero", "0"),
    "lifetime": Kind("a lifetime sum below zero", "0"),
    "reset_period": Kind("a reset period that is unknown here", "monthly"),
    "unpaid": Kind(
        "an invoice that is not paid", "kept as history; collect it where it was issued", asks=True
    ),
    "currency": Kind(
        "another currency than this service has", "kept in the event's details", asks=True
    ),
    # Form.
    "moment_missing": Kind("no moment, or an impossible one", "the nearest one that is known"),
    "moment_future": Kind("a moment in the future", "the moment of the import"),
    "service_missing": Kind("a charge without a service", "its type, or unknown"),
    "text_controls": Kind("a name with control characters", "the name without them"),
    "text_long": Kind("a text that is too long", "cut; the whole of it in the details"),
    "details": Kind("details that are no JSON object", "put into one"),
    "id": Kind("an id that is no UUID", "a UUID derived from it"),
}


@dataclass(frozen=True, slots=True)
class Mend:
    """One mend: where, from what to what, and what it does to the organization's credits.

    ``total``: to everything it was ever given; ``spendable``: to what it can spend.
    """

    kind: str
    org_id: str
    table: str
    row: str
    old: str
    new: str
    total: Decimal = ZERO
    spendable: Decimal = ZERO


def _spool() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


@dataclass(slots=True)
class Mends:
    """All mends: sums in memory, the first of each kind to be shown, and every one in a file that ends with us."""

    rows: Counter[str] = field(default_factory=Counter)
    total: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    spendable: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    by_kind: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    spendable_by_kind: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    shown: dict[str, list[Mend]] = field(default_factory=lambda: defaultdict(list))
    _file: IO[str] = field(default_factory=_spool, repr=False)

    def __del__(self) -> None:
        self._file.close()

    def add(
        self,
        kind: str,
        org_id: str,
        table: str,
        row: str,
        old: object,
        new: object,
        *,
        total: Decimal | int = ZERO,
        spendable: Decimal | int = ZERO,
    ) -> None:
        """Note a mend; texts are cut at 200 characters."""
        if kind not in KINDS:
            raise KeyError(kind)
        mend = Mend(
            kind,
            org_id,
            table,
            row,
            str(old)[:200],
            str(new)[:200],
            Decimal(total),
            Decimal(spendable),
        )
        self.rows[kind] += 1
        self.total[org_id] += mend.total
        self.spendable[org_id] += mend.spendable
        self.by_kind[kind] += mend.total
        self.spendable_by_kind[kind] += mend.spendable
        if len(self.shown[kind]) < SHOWN:
            self.shown[kind].append(mend)
        self._file.write(json.dumps(asdict(mend), default=_number) + "\n")

    def every(self) -> Iterator[dict[str, Any]]:
        """Every mend, as it is in the report's file."""
        self._file.seek(0)
        for line in self._file:
            yield json.loads(line)
        self._file.seek(0, 2)


def _number(value: object) -> int | str:
    """A whole number as one, another amount as text: nothing is lost."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return str(value)
