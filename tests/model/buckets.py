"""What the model remembers of one organization."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


class Refused(Exception):
    """What forbids an operation: the error's code, and the numbers that it names."""

    def __init__(self, code: str, **numbers: int) -> None:
        super().__init__(code)
        self.code = code
        self.numbers = numbers


@dataclass(slots=True)
class Pool:
    """What nobody has been given yet, and what the plan and the settings allow."""

    total: int = 0
    allocated: int = 0
    allow_overage: bool = False
    overage_limit: int = 0
    overage_used: int = 0
    overage_used_period: int = 0
    overage_start: datetime | None = None
    overage_end: datetime | None = None
    refresh_amount: int = 0
    refresh_anchor: datetime | None = None
    next_refresh: datetime | None = None
    spending_until: datetime | None = None
    plan: str | None = None
    next_plan: str | None = None
    next_plan_at: datetime | None = None

    @property
    def available(self) -> int:
        return self.total - self.allocated


@dataclass(slots=True)
class Allocation:
    """One member's part."""

    user: int
    anchor: datetime
    period: str
    last_reset: datetime | None = None
    next_reset: datetime | None = None
    budget: int = 0
    used: int = 0
    held: int = 0
    remaining: int = 0
    lifetime: int = 0
    active: bool = True


@dataclass(slots=True)
class Hold:
    """Credits set aside for one request."""

    number: int
    user: int
    credits: int
    overage: int
    created: datetime
    expires: datetime
    captured: int = 0
    released: int = 0
    expired: int = 0
    returned: int = 0
    status: str = "pending"
    settled_by: tuple[object, ...] | None = None
    final_usage: int | None = None

    @property
    def rest(self) -> int:
        return self.credits - self.captured

    @property
    def overage_left(self) -> int:
        """Of what is not captured, the part drawn from overage: own credits are captured first."""
        own = self.credits - self.overage
        return self.overage - max(0, self.captured - own)


@dataclass(slots=True)
class Usage:
    """One charge, and what was given back of it."""

    number: int
    user: int
    credits: int
    overage: int
    created: datetime
    operation: str
    refunded: int = 0
    refunded_overage: int = 0


@dataclass(slots=True)
class Counts:
    """How many rows of each kind there are, and what they sum up to."""

    usage_rows: int = 0
    usage_credits: int = 0
    usage_overage: int = 0
    resets: int = 0
    refreshes: int = 0
    overage_periods: list[tuple[datetime, int]] = field(default_factory=list)
