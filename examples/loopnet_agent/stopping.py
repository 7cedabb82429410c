"""Why a run ends before all is done. Nothing is lost by it: the same command goes on later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Stopped(Exception):
    """The run can't go on now. ``fix`` says what would let it."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


class OutOfCredits(Stopped):
    """The next unit wouldn't be paid; nothing was begun that isn't."""

    def __init__(self, why: Mapping[str, Any]) -> None:
        fix = str(why.get("fix") or "Allocate more credits to the member.")
        super().__init__("There are not enough credits for the next step.", fix)


class ProviderAway(Stopped):
    """The data provider can't answer now: what was paid stays paid, and open."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "Run it again once the provider answers.")
