"""Every type of event that an organization's endpoints can be told of: what it means, and what its data has.

The pages, the OpenAPI document and the tests read this one registry. A field may be added to a type; none is
taken away and none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

#: What an endpoint asks for to be told of everything but what has to be asked for by name.
EVERYTHING: Final = "*"

_FORMATS: Final = {
    "uuid": {"type": "string", "format": "uuid"},
    "date-time": {"type": "string", "format": "date-time"},
    "amount": {"type": "string", "pattern": r"^\d+\.\d{2}$"},
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
}


@dataclass(frozen=True, slots=True)
class Field:
    """One member of an event's data.

    `kind`: uuid, date-time (RFC 3339, UTC), amount (money with two places, as text), string, integer or boolean.
    `values`: the only values there are, when they are few.
    """

    name: str
    kind: str
    about: str
    example: Any
    nullable: bool = False
    values: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """The member as JSON Schema, 2020-12."""
        schema: dict[str, Any] = dict(_FORMATS[self.kind])
        if self.values:
            schema["enum"] = [*self.values, *([None] if self.nullable else [])]
        if self.nullable:
            schema["type"] = [schema["type"], "null"]
        return schema | {"description": self.about}


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event; `by_name`: `*` doesn't stand for it."""

    name: str
    summary: str
    fields: tuple[Field, ...]
    by_name: bool = False

    @property
    def group(self) -> str:
        """What it is about, such as `credits`."""
        return self.name.partition(".")[0]

    def example(self) -> dict[str, Any]:
        """A whole body, as it is sent."""
        data = {field.name: field.example for field in self.fields}
        return {"type": self.name, "timestamp": _AT, "data": data}

    def schema(self) -> dict[str, Any]:
        """The data as JSON Schema, 2020-12."""
        return {
            "type": "object",
            "description": self.summary,
            "properties": {field.name: field.schema() for field in self.fields},
            "required": [field.name for field in self.fields],
        }


_AT: Final = "2026-11-28T09:30:00Z"
_LATER: Final = "2026-12-28T09:30:00Z"


def _id(number: int) -> str:
    return f"01936f4e-6c00-7000-8000-{number:012d}"


ORG = Field("org_id", "uuid", "The organization.", _id(1))
USER = Field("user_id", "uuid", "The member whose credits it is about.", _id(2))
ALLOCATION = Field("allocation_id", "uuid", "The member's allocation.", _id(3))
JOURNAL = Field("journal_id", "uuid", "The journal's row.", _id(4))
USAGE = Field("usage_id", "uuid", "The usage row.", _id(5))
HOLD = Field("hold_id", "uuid", "The hold.", _id(6))
ACTOR = Field("actor", "string", "Who did it: user:<id>, key:<id> or system.", f"key:{_id(7)}")
REQUEST = Field("request_id", "string", "The X-Request-ID of the request that did it.", "req-4f1c")
SERVICE = Field("service_name", "string", "The service that is charged for.", "company_enrichment")
AVAILABLE = Field("available_credits", "integer", "What the pool has available afterwards.", 8500)
REMAINING = Field("remaining_credits", "integer", "What the allocation has left afterwards.", 950)


def _credits(about: str, example: int = 500) -> Field:
    return Field("credits", "integer", about, example)


def _moved(about: str) -> tuple[Field, ...]:
    return (ORG, JOURNAL, USER, ALLOCATION, _credits(about), REMAINING, AVAILABLE, ACTOR, REQUEST)


_SHORT: Final = (
    ORG,
    Field("of", "string", "What is short.", "allocation", values=("pool", "allocation")),
    Field("user_id", "uuid", "The member; null for the pool.", _id(2), nullable=True),
    Field("allocation_id", "uuid", "The allocation; null for the pool.", _id(3), nullable=True),
    Field("left_credits", "integer", "What was left when it was noticed.", 40),
    Field("whole_credits", "integer", "What the threshold's percentage is of.", 500),
    Field("episode_id", "uuid", "The crossing: told of once, until it was made up for.", _id(8)),
)


def _held(*fields: Field) -> tuple[Field, ...]:
    return (
        ORG,
        HOLD,
        USER,
        ALLOCATION,
        SERVICE,
        Field("hold_credits", "integer", "What the hold reserved when it was placed.", 400),
        Field("captured_credits", "integer", "What has been captured of it so far.", 150),
        *fields,
        ACTOR,
        REQUEST,
    )


_SUBSCRIPTION: Final = (
    ORG,
    Field("subscription_id", "uuid", "The subscription.", _id(9)),
    Field("change", "string", "The event of the billing history.", "subscription_upgraded"),
    Field("status", "string", "Its status afterwards.", "active"),
    Field("plan", "string", "Its plan afterwards.", "platform"),
    Field("billing_cycle", "string", "Monthly or yearly.", "monthly", values=("monthly", "yearly")),
    Field("monthly_price", "amount", "What a month costs.", "50.00"),
    Field("amount", "amount", "What this charged; 0.00 for nothing.", "50.00"),
    Field("currency", "string", "ISO 4217.", "USD"),
    Field("current_period_start", "date-time", "When the period began.", _AT),
    Field("current_period_end", "date-time", "When it ends.", _LATER),
    Field(
        "trial_ends_at", "date-time", "When the trial ends; null without one.", None, nullable=True
    ),
    Field("cancel_at_period_end", "boolean", "Whether it ends with the period.", example=False),
    Field(
        "scheduled_plan",
        "string",
        "The plan of the next period, if it changes.",
        None,
        nullable=True,
    ),
    Field("canceled_at", "date-time", "When it ended; null while it lives.", None, nullable=True),
    ACTOR,
    REQUEST,
)

_PAYMENT: Final = (
    Field("payment_id", "uuid", "The payment that the invoice asks for.", _id(11)),
    Field("amount", "amount", "What it is about.", "50.00"),
    Field("currency", "string", "ISO 4217.", "USD"),
)
_INVOICE: Final = (
    ORG,
    Field("invoice_id", "uuid", "The invoice.", _id(10)),
    Field("number", "string", "The invoice's number.", "ACME-0007"),
    *_PAYMENT,
)
_NOT_YET: Final = "; null when it was paid before it was issued: payment_id tells which."
_MEMBER: Final = (
    ORG,
    Field("user_id", "uuid", "The person.", _id(2)),
    Field("email", "string", "The person's e-mail address.", "alice@acme.example"),
)
_ROLE: Final = Field("role", "string", "The role, afterwards.", "admin")


def _all() -> Iterable[EventType]:
    yield EventType(
        "credits.added",
        "Credits were added to the pool: bought, granted, or by the monthly refresh.",
        (
            ORG,
            JOURNAL,
            Field("kind", "string", "How.", "purchase", values=("grant", "purchase", "refresh")),
            _credits("How many.", 10000),
            AVAILABLE,
            ACTOR,
            REQUEST,
        ),
    )
    yield EventType(
        "credits.allocated", "Credits went from the pool to a member.", _moved("How many.")
    )
    yield EventType(
        "credits.reclaimed",
        "Credits went from a member back to the pool, also when a member left.",
        _moved("How many."),
    )
    yield EventType(
        "credits.low", "The pool or a member's allocation fell to its alert's threshold.", _SHORT
    )
    yield EventType(
        "credits.exhausted", "Nothing is left in the pool or in a member's allocation.", _SHORT
    )
    yield EventType(
        "credits.refused",
        "A charge or a hold was refused. It may come as often as a caller is refused: `*` doesn't stand for it.",
        (
            ORG,
            USER,
            SERVICE,
            Field("code", "string", "The problem's code.", "insufficient_credits"),
            Field("refused_by", "string", "The limit that refused it.", "allocation"),
            Field(
                "requested_credits", "integer", "What was asked for, if known.", 50, nullable=True
            ),
            Field("remaining_credits", "integer", "What was left, if known.", 40, nullable=True),
            ACTOR,
            REQUEST,
        ),
        by_name=True,
    )
    yield EventType(
        "credits.reset",
        "A member's period ended: the allocation was filled up from the pool to its budget.",
        (
            ORG,
            JOURNAL,
            USER,
            ALLOCATION,
            _credits("What was moved from the pool; 0 when nothing was missing.", 450),
            Field("shortfall_credits", "integer", "What the pool was short of.", 0),
            Field("period_start", "date-time", "When the new period began.", _AT),
            Field("next_reset_date", "date-time", "When it ends.", _LATER),
            REMAINING,
            AVAILABLE,
            REQUEST,
        ),
    )
    yield EventType(
        "credits.refunded",
        "A charge was given back, or a part of it.",
        (
            ORG,
            USAGE,
            Field("refund_of", "uuid", "The usage row that was charged.", _id(12)),
            USER,
            ALLOCATION,
            SERVICE,
            _credits("What was given back, overage among it.", 50),
            Field("overage_credits", "integer", "What of it was overage.", 0),
            REMAINING,
            ACTOR,
            REQUEST,
        ),
    )
    yield EventType(
        "hold.placed",
        "Credits were reserved.",
        _held(
            Field("overage_credits", "integer", "What of them is overage.", 0),
            REMAINING,
            Field("expires_at", "date-time", "When they go back by themselves.", _LATER),
        ),
    )
    yield EventType(
        "hold.captured",
        "Reserved credits were charged; a final capture gives back the rest.",
        _held(
            USAGE,
            _credits("What this capture charged.", 150),
            Field("overage_credits", "integer", "What of it was overage.", 0),
            Field("is_final", "boolean", "Whether this settled the hold.", example=True),
            Field("released_credits", "integer", "What went back with it.", 250),
            REMAINING,
        ),
    )
    yield EventType(
        "hold.released",
        "A hold was given up: what was not captured went back.",
        _held(Field("released_credits", "integer", "What went back.", 250)),
    )
    yield EventType(
        "hold.expired",
        "A hold ran out: what was not captured went back.",
        _held(Field("expired_credits", "integer", "What went back.", 250)),
    )
    yield EventType("subscription.created", "A subscription began.", _SUBSCRIPTION)
    yield EventType(
        "subscription.changed",
        "Its plan, cycle or end changed, was scheduled to or no longer is; a trial ended; what was overdue is paid.",
        _SUBSCRIPTION,
    )
    yield EventType("subscription.renewed", "A new paid period began.", _SUBSCRIPTION)
    yield EventType(
        "subscription.past_due", "A charge was not paid within the terms of payment.", _SUBSCRIPTION
    )
    yield EventType("subscription.paused", "It was paused: nothing can be spent.", _SUBSCRIPTION)
    yield EventType("subscription.resumed", "It was resumed.", _SUBSCRIPTION)
    yield EventType("subscription.canceled", "It ended: nothing can be spent.", _SUBSCRIPTION)
    yield EventType(
        "invoice.issued",
        "An invoice was issued.",
        (*_INVOICE, Field("issued_at", "date-time", "The moment of the charge.", _AT)),
    )
    yield EventType(
        "invoice.paid",
        "An invoice was paid, or was issued for what had been paid at once.",
        (
            ORG,
            Field("invoice_id", "uuid", f"The invoice{_NOT_YET}", _id(10), nullable=True),
            Field("number", "string", f"Its number{_NOT_YET}", "ACME-0007", nullable=True),
            *_PAYMENT,
            Field("paid_at", "date-time", "When.", _AT),
        ),
    )
    yield EventType(
        "invoice.payment_failed",
        "An attempt to collect a payment failed.",
        (
            ORG,
            *_PAYMENT,
            Field("attempt", "integer", "Which attempt at this payment, from 1.", 1),
            Field("failure_code", "string", "The provider's code.", "card_declined"),
            Field("is_final", "boolean", "Whether it isn't tried again by itself.", example=False),
        ),
    )
    yield EventType("member.added", "A person joined the organization.", (*_MEMBER, _ROLE, ACTOR))
    yield EventType(
        "member.role_changed",
        "A member has another role.",
        (*_MEMBER, _ROLE, Field("former_role", "string", "The role before.", "member"), ACTOR),
    )
    yield EventType(
        "member.removed", "A member left: unspent credits went back to the pool.", (*_MEMBER, ACTOR)
    )
    yield EventType(
        "webhook.test",
        "Somebody tried an endpoint. It is sent to that one alone, whatever it asks for.",
        (
            ORG,
            Field("endpoint_id", "uuid", "The endpoint that was tried.", _id(13)),
            Field("message", "string", "A sentence.", "This is a test."),
            ACTOR,
        ),
    )


REGISTRY: Final[dict[str, EventType]] = {one.name: one for one in _all()}
#: Sent by itself alone, and nothing to ask for.
TEST: Final = "webhook.test"
#: What an endpoint can ask for, beside `*`.
SUBSCRIBABLE: Final = tuple(name for name in REGISTRY if name != TEST)
