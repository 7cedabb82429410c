"""One value of the source made into one of ours: pure functions."""

from __future__ import annotations

import json
import math
import re
import unicodedata
import uuid
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any, Final

from credits.choices import MAX_BALANCE
from organizations.choices import Role
from orgbilling.importing.errors import ImportRefusedError

#: Ids that are no UUIDs are derived from their text, the same at every run.
NAMESPACE: Final = uuid.UUID("5ad3cd40-9c3f-5d0f-8a55-0f0b6d1a9c11")
#: Larger details are no attribution any more, and would be carried by every page that shows the charge.
DETAILS_BYTES_MAX: Final = 65_536
#: Deeper ones can be written and not be read again.
DETAILS_DEPTH_MAX: Final = 100
#: What `schema` reads in place of larger details, before their bytes: so they never leave the source.
LEFT_OUT: Final = "left out: "
#: Categories of Unicode that no name has: control characters, separators of lines, halves of pairs.
UNSEEN: Final = frozenset({"Cc", "Zl", "Zp", "Cs"})
#: By these a name could show itself, and what stands beside it, as another.
TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
NAME_LENGTH_MAX: Final = 63
ROLES: Final = {"viewer": Role.MEMBER, **{role.value: role for role in Role}}
CENT: Final = Decimal("0.01")
#: Sums of money are below it here.
MONEY_MAX: Final = 10**10


def namespace(source: str) -> uuid.UUID:
    """What ids that are no UUIDs are derived in, by the source's name: 17 of one source is not 17 of another."""
    return uuid.uuid5(NAMESPACE, f"source:{source}") if source else NAMESPACE


def identity(text: str, table: str, within: uuid.UUID) -> uuid.UUID:
    """The UUID that the text is, or one derived from the source's namespace, the table and the text."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid5(within, f"{table}:{text}")


def is_identity(text: str) -> bool:
    """Whether the text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def down(amount: Decimal) -> int:
    """The amount without its fraction, towards less. Raises ImportRefusedError for what no balance here holds."""
    return int(_within(amount, MAX_BALANCE).to_integral_value(ROUND_FLOOR))


def up(amount: Decimal) -> int:
    """The amount without its fraction, towards more. Raises as `down` does."""
    return int(_within(amount, MAX_BALANCE).to_integral_value(ROUND_CEILING))


def cents(amount: Decimal) -> Decimal:
    """Money to the cent, rounded down: nobody pays more than they did. Raises as `down` does."""
    return _within(amount, MONEY_MAX).quantize(CENT, ROUND_DOWN)


def _within(amount: Decimal, limit: int) -> Decimal:
    if abs(amount) > limit:
        message = f"An amount of {amount:.6E} is more than can be kept here ({limit:.0E}): mend it in the source."
        raise ImportRefusedError(message)
    return amount


def slug(text: str) -> str:
    """A name of 2 to 63 lower-case letters, digits and hyphens made of any text."""
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LENGTH_MAX].strip("-")
    return made if len(made) >= 2 else f"org-{made or uuid.uuid5(NAMESPACE, text).hex[:8]}"


def line(text: str) -> str:
    """A name as one line of text: without control characters, and without what turns the reading direction."""
    shown = "".join(
        " " if unicodedata.category(c) in UNSEEN else c for c in text if c not in TURNING
    )
    return text if shown == text else " ".join(shown.split())


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
    if text.startswith(LEFT_OUT) and text.removeprefix(LEFT_OUT).isdecimal():
        return {"left_out_bytes": int(text.removeprefix(LEFT_OUT))}, False
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        # Brackets in texts count too: only then is it looked at closely.
        if text.count("[") + text.count("{") > DETAILS_DEPTH_MAX:
            _refuse_deep(found, DETAILS_DEPTH_MAX)
    except (ValueError, RecursionError):
        return {"text": _plain(text)}, False
    if found is None:
        return {}, True
    if "\\u" in text:
        found = _plain(found)
    return (found, True) if isinstance(found, dict) else ({"value": found}, False)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _refuse_deep(value: Any, levels: int) -> None:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        if isinstance(one, dict | list):
            if levels == 1:
                raise ValueError(levels)
            _refuse_deep(one, levels - 1)


def _plain(value: Any) -> Any:
    """Without what PostgreSQL can't keep: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    return value
