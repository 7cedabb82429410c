"""Pools, allocations and what is used of them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from orgbilling_client.calls import BASE, Answer, Call, Id, given, keyed, read, segment
from orgbilling_client.models.pools import Allocated, Allocation, Pool, Refusal, UserAllocations
from orgbilling_client.paging import Page, pages
from orgbilling_client.parsing import parse

CREDITS: Final = f"{BASE}/credits"
ResetPeriod = Literal["daily", "weekly", "monthly", "never"]


def pool(org_id: str, at: datetime | None) -> Call[Pool]:
    """Look at an organization's pool."""
    return read(of(org_id), lambda answer: parse(Pool, answer.document), given(at=at))


def allocate(
    org_id: str,
    user_id: Id,
    credits: int,
    *,
    reset_period: ResetPeriod | None,
    recurring: bool | None,
    notes: str | None,
    key: str | None,
) -> Call[Allocated]:
    """Move credits from the pool to a member."""
    body = given(
        user_id=str(user_id),
        credits=credits,
        reset_period=reset_period,
        recurring=recurring,
        notes=notes,
    )
    return keyed(f"{of(org_id)}/allocate", _allocated, body, key)


def reclaim(
    org_id: str, user_id: Id, credits: int | None, *, notes: str | None, key: str | None
) -> Call[Allocated]:
    """Move unspent credits from a member back to the pool."""
    body = given(user_id=str(user_id), credits=credits, notes=notes)
    return keyed(f"{of(org_id)}/reclaim", _allocated, body, key)


def allocations(org_id: str, page_size: int) -> Call[Page[Allocation]]:
    """List an organization's allocations."""
    return pages(f"{of(org_id)}/allocations", Allocation, {}, page_size)


def refusals(org_id: str, page_size: int) -> Call[Page[Refusal]]:
    """List what was refused."""
    return pages(f"{of(org_id)}/refusals", Refusal, {}, page_size)


def user_credits(user_id: Id) -> Call[UserAllocations]:
    """Look at one person's allocations."""
    path = f"{CREDITS}/user/{segment('user_id', user_id)}"
    return read(path, lambda answer: parse(UserAllocations, answer.document))


def of(org_id: str) -> str:
    """Return the path of an organization's credits."""
    return f"{CREDITS}/{segment('org_id', org_id)}"


def _allocated(answer: Answer) -> Allocated:
    return parse(Allocated, answer.document, replayed=answer.replayed)
