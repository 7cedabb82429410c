"""One value of the source made into one of ours: pure functions."""

from __future__ import annotations

import json
import re
import uuid
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any, Final

from organizations.choices import Role

#: Ids that are no UUIDs are derived from their text, the same at every run.
NAMESPACE: Final = uuid.UUID("5ad3cd40-9c3f-5d0f-8a55-0f0b6d1a9c11")
#: Larger details are no attribution any more, and would be carried by every page that shows the charge.
DETAILS_BYTES_MAX: Final = 65_536
KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
NAME_LENGTH_MAX: Final = 63
ROLES: Final = {"viewer": Role.MEMBER, **{role.value: role for role in Role}}
CENT: Final = Decimal("0.01")


def identity(text: str, table: str) -> uuid.UUID:
    """The UUID that the text is, or one derived from the table and the text."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid5(NAMESPACE, f"{table}:{text}")


def is_identity(text: str) -> bool:
    """Whether the text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def down(amount: Decimal) -> int:
    """The amount without its fraction, towards less."""
    return int(amount.to_integral_value(ROUND_FLOOR))


def up(amount: Decimal) -> int:
    """The amount without its fraction, towards more."""
    return int(amount.to_integral_value(ROUND_CEILING))


def cents(amount: Decimal) -> Decimal:
    """Money to the cent, rounded down: nobody pays more than they did."""
    return amount.quantize(CENT, ROUND_DOWN)


def slug(text: str) -> str:
    """A name of 2 to 63 lower-case letters, digits and hyphens made of any text."""
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LENGTH_MAX].strip("-")
    return made if len(made) >= 2 else f"org-{made or uuid.uuid5(NAMESPACE, text).hex[:8]}"


def key(request_id: str | None) -> str | None:
    """The request's id as an idempotency key; None where it can't be one."""
    return request_id if request_id and KEY.fullmatch(request_id) else None


def role(text: str | None) -> Role:
    """The role in any case; a member where there is no such role here."""
    return ROLES.get((text or "").strip().lower(), Role.MEMBER)


def details(text: str | None) -> tuple[dict[str, Any], bool]:
    """The JSON object that the text is, or one that holds what it is, and whether it was one."""
    if text is None:
        return {}, True
    if len(text.encode()) > DETAILS_BYTES_MAX:
        return {"left_out_bytes": len(text.encode())}, False
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {"text": _plain(text)}, False
    if found is None:
        return {}, True
    if "\\u" in text:
        found = _plain(found)
    return (found, True) if isinstance(found, dict) else ({"value": found}, False)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _plain(value: Any) -> Any:
    """Without what PostgreSQL can't keep: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    return value
