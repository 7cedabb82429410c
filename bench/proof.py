"""Whether credits moved exactly as often as a load counted: read before and after, on every contender's books."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import psycopg

from bench.ground import Ground
from bench.rounds import RoundFailed

#: What every load asks for in one charge.
CREDITS: Final = 10


@dataclass
class Acknowledged:
    """Charges that a load saw succeed."""

    charges: int = 0


class Books(Protocol):
    """A ledger that can be asked what it has charged."""

    def mark(self) -> Any:
        """Remember what there is."""

    def since(self, mark: Any) -> tuple[int, int, int]:
        """Charges, their credits, and what balances have lost since."""


@dataclass(frozen=True)
class OwnBooks:
    """The ledger's usage rows, found by their time-ordered keys, and what allocations have used."""

    ground: Ground
    database: str
    last: str = (
        "SELECT max(id::text) FROM (SELECT id FROM {usage} ORDER BY id DESC LIMIT 1) AS newest"
    )
    charged: str = (
        "SELECT count(*), coalesce(sum(credits_used), 0)::bigint FROM {usage} WHERE id > %s"
    )
    spent: str = "SELECT sum(lifetime_used_credits)::bigint FROM {balances}"
    tables: dict[str, str] = field(
        default_factory=lambda: {
            "usage": "public.credit_usage_attribution",
            "balances": "public.user_credit_allocations",
        }
    )

    def mark(self) -> Any:
        """The newest key and what all have used."""
        # Keys are told apart by their millisecond first: what comes now is behind the newest.
        time.sleep(0.005)
        with self.ground.connect(self.database) as connection:
            newest = self._one(connection, self.last)[0]
            return newest or "00000000-0000-0000-0000-000000000000", self._spent(connection)

    def since(self, mark: Any) -> tuple[int, int, int]:
        """Counted over the rows behind the mark."""
        newest, spent = mark
        with self.ground.connect(self.database) as connection:
            charges, credits = self._one(connection, self.charged, [newest])
            return charges, credits, self._spent(connection) - spent

    def _spent(self, connection: psycopg.Connection[Any]) -> int:
        return int(self._one(connection, self.spent)[0] or 0)

    def _one(
        self, connection: psycopg.Connection[Any], query: str, args: list[Any] | None = None
    ) -> tuple[Any, ...]:
        row = connection.execute(query.format(**self.tables).encode(), args).fetchone()
        assert row is not None
        return tuple(row)


@contextmanager
def proved(books: Books, each: int = CREDITS) -> Iterator[Acknowledged]:
    """Compare what the load acknowledges inside with what was booked meanwhile.

    Raises:
        RoundFailed: they differ by a single charge or credit.
    """
    mark = books.mark()
    acknowledged = Acknowledged()
    yield acknowledged
    charges, credits, spent = books.since(mark)
    wanted = (acknowledged.charges, acknowledged.charges * each, acknowledged.charges * each)
    if (charges, credits, spent) != wanted:
        message = (
            f"acknowledged {wanted[0]} charges of {wanted[1]} credits, "
            f"booked {charges} charges of {credits} credits, and balances lost {spent}"
        )
        raise RoundFailed(message)
