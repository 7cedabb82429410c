"""The arithmetic of an import: what members and pools get, and how it differs from what the source says, to the credit.

What the customer sees left is kept, what was charged is kept, and what was ever given follows from these two: so the
ledger's equations hold by construction. Every difference from the source's counters is one of the kinds of `mending`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orgbilling.importing.cleaning import down, up
from orgbilling.importing.mending import ZERO


@dataclass(frozen=True, slots=True)
class Effect:
    """A mend's kind, what was and is, and its effect on what was given and on what can be spent."""

    kind: str
    old: object
    new: object
    total: Decimal = ZERO
    spendable: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Counters:
    """What the source counts of one person in one organization; ``remaining`` None: allocated - used.

    ``raw`` is the sum of the charges, ``negative`` of those below zero without their sign; ``charged`` of the others
    without fractions, which sum up to ``fraction``; ``repeated`` of the second and later charges of a request.
    """

    allocated: Decimal = ZERO
    used: Decimal = ZERO
    remaining: Decimal | None = None
    raw: Decimal = ZERO
    negative: Decimal = ZERO
    charged: Decimal = ZERO
    fraction: Decimal = ZERO
    repeated: Decimal = ZERO

    @property
    def seen(self) -> Decimal:
        """What the person saw to be left."""
        return self.allocated - self.used if self.remaining is None else self.remaining

    def plus(self, other: Counters) -> Counters:
        """Both together, for one person's several accounts."""
        return Counters(
            self.allocated + other.allocated,
            self.used + other.used,
            self.seen + other.seen,
            self.raw + other.raw,
            self.negative + other.negative,
            self.charged + other.charged,
            self.fraction + other.fraction,
            self.repeated + other.repeated,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """What a person gets: ``given`` from the pool, of which ``remaining`` stays after all charges and refunds.

    ``unattributed``: what the counter says was used and no charge tells of. ``budget``: what a reset fills up to.
    """

    given: int
    remaining: int
    used: int
    unattributed: int
    budget: int
    allocated: Decimal
    effects: tuple[Effect, ...]


def share(counters: Counters, *, give_back: bool) -> Share:
    """What a person gets. ``give_back``: use that no charge tells of is refunded."""
    effects: list[Effect] = []
    allocated, seen = counters.allocated, counters.seen
    if allocated < 0:
        effects.append(Effect("allocation_negative", allocated, 0, spendable=-allocated))
        seen, allocated = seen - allocated, ZERO
    deviation = seen - (allocated - counters.used)
    if deviation:
        effects.append(
            Effect("remaining_deviates", allocated - counters.used, seen, total=deviation)
        )
    gap = counters.raw - counters.used
    unattributed = down(-gap) if gap < 0 else 0
    back = unattributed if give_back else 0
    if gap > 0:
        effects.append(Effect("used_below_usage", counters.used, counters.raw, total=gap))
    elif gap + unattributed:
        effects.append(Effect("fraction", -gap, unattributed, total=gap + unattributed))
    if unattributed:
        effects.append(
            Effect("unattributed_use", counters.used, counters.raw, spendable=Decimal(back))
        )
    if counters.fraction:
        effects.append(
            Effect(
                "fraction",
                counters.charged + counters.fraction,
                counters.charged,
                total=-counters.fraction,
            )
        )
    # Negative charges and repeated ones are noted row by row, with these sums: see `usage`.
    base = seen + counters.repeated + back
    remaining = max(0, up(base))
    if remaining != base:
        kind = "remaining_negative" if base < 0 else "fraction"
        effects.append(Effect(kind, base, remaining, remaining - base, remaining - base))
    used = int(counters.charged - counters.repeated) + unattributed - back
    return Share(
        given=remaining + used,
        remaining=remaining,
        used=used,
        unattributed=unattributed,
        budget=up(allocated),
        allocated=allocated,
        effects=tuple(effects),
    )


@dataclass(frozen=True, slots=True)
class Filling:
    """What a pool gets: ``opening`` of it is what the source says, ``mended`` what mends made good."""

    opening: int
    mended: int
    available: int
    effects: tuple[Effect, ...]


def filling(total: Decimal, allocated: Decimal, shares: list[Share]) -> Filling:
    """What a pool gets whose source says ``total`` and ``allocated``."""
    effects: list[Effect] = []
    whole = max(ZERO, total)
    if total < 0:
        effects.append(Effect("total_negative", total, 0, -total, -total))
    held = sum((one.allocated for one in shares), ZERO)
    if held != allocated:
        effects.append(Effect("allocated_deviates", allocated, held, spendable=allocated - held))
    left = whole - held
    if left < 0:
        effects.append(Effect("over_allocated", held, whole, -left, -left))
        left = ZERO
    available = up(left)
    if available != left:
        effects.append(Effect("fraction", left, available, available - left, available - left))
    given = down(Decimal(available + sum(one.given for one in shares)))
    opening = min(down(whole), given)
    return Filling(opening, given - opening, available, tuple(effects))
