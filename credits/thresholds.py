"""When credits are low: the one place that says so, for warnings on a page and for notices alike."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from django.db.models import F

#: What a member's allocation begins with: it is low when at most so much of it is left, in per cent.
MEMBER_PERCENT: Final = 20


@dataclass(frozen=True, slots=True)
class Level:
    """What is left of what, and below what it is low. None: no such threshold.

    Attributes:
        left: credits that can be moved or spent.
        whole: credits that the percentage is of.
        percent: 0 to 100.
        least: credits.
        inclusive: whether it is low at the threshold already, and not only below it.
    """

    left: int
    whole: int
    percent: int | None
    least: int | None
    inclusive: bool

    @property
    def is_out(self) -> bool:
        """Whether nothing is left, of something."""
        return self.whole > 0 and self.left <= 0

    @property
    def is_low(self) -> bool:
        """Whether it is below one of the thresholds."""
        return self.below_percent or self.below_least

    @property
    def below_percent(self) -> bool:
        """Whether it is below the percentage."""
        if self.percent is None:
            return False
        part, threshold = self.left * 100, self.whole * self.percent
        return part <= threshold if self.inclusive else part < threshold

    @property
    def below_least(self) -> bool:
        """Whether it is below the number of credits."""
        if self.least is None:
            return False
        return self.left <= self.least if self.inclusive else self.left < self.least

    @property
    def threshold(self) -> str:
        """The threshold that it is below: ``5 %`` or ``1,000 credits``."""
        return f"{self.percent} %" if self.below_percent else f"{self.least:,} credits"

    @property
    def share(self) -> str:
        """What is left of the whole: ``4.8 %``, rounded down."""
        if self.whole <= 0 or self.left <= 0:
            return "0 %"
        part = (Decimal(self.left) * 100 / self.whole).quantize(Decimal("0.1"), ROUND_DOWN)
        return f"{part.normalize():f} %" if part else "less than 0.1 %"


def percent_of(column: str, percent: Any) -> Any:
    """A part of a column of credits, rounded down, as SQL that can't overflow: 0 to 100 per cent of it.

    A whole number is at most a part of another exactly when it is at most that part rounded down.
    """
    return F(column) / 100 * percent + (F(column) % 100) * percent / 100
