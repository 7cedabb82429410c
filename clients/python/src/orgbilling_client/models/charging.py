"""What charges, holds and refunds answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One deduction, or one refund of one."""

    id: str
    org_id: str
    user_id: str
    allocation_id: str
    credits_used: int
    overage_credits: int
    service_type: str | None
    service_name: str
    unit_price: int | None
    quantity: int | None
    price_version: int | None
    request_id: str
    metadata: Mapping[str, Any]
    refunded_credits: int
    refund_of: str | None
    hold_id: str | None
    remaining_credits: int
    created_at: datetime
    #: Whether this is the first answer again, to a call that was repeated with its key.
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether a charge would pass, and why not."""

    sufficient: bool
    credits: int
    remaining_credits: int
    why: Mapping[str, Any]

    def __bool__(self) -> bool:
        return self.sufficient


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Credits that are reserved, or were."""

    id: str
    org_id: str
    user_id: str
    allocation_id: str
    credits: int
    captured_credits: int
    status: str
    service_name: str
    expires_at: datetime
    created_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What was captured of a hold, and the hold after it."""

    hold: Hold
    usage: Usage
    replayed: bool = False
