"""What a check is: one equation, as one query over whole tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

#: The tables that checks read, by the word that stands for each in their queries.
TABLES: Final = {
    "pools": "organization_credit_pools",
    "allocations": "user_credit_allocations",
    "usage": "credit_usage_attribution",
    "rollups": "credit_usage_rollups",
    "service_cells": "credit_usage_by_service",
    "user_cells": "credit_usage_by_user",
    "late": "credit_usage_late",
    "journal": "credit_journal",
    "holds": "credit_holds",
    "overages": "overage_periods",
    "answers": "idempotency_answers",
    "members": "organization_members",
    "subscriptions": "organization_subscriptions",
    "history": "org_billing_history",
    "payments": "payments",
    "invoices": "invoices",
    "attempts": "payment_attempts",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One equation.

    Attributes:
        name: stable; what a violation, a metric and an alert call it.
        says: the equation in words.
        table: the word of the table whose rows it judges.
        sql: a query of ``org_id``, ``row_id``, ``expected`` and ``found``, a row for each that may break the
            equation; those break it whose last two differ. A table is named by its word in braces.
    """

    name: str
    says: str
    table: str
    sql: str

    @property
    def source(self) -> str:
        """The name of the table whose rows it judges."""
        return TABLES[self.table]

    def query(self, *, scoped: bool) -> str:
        """The query over all organizations, or over those of the parameter ``orgs``.

        The condition stands at each table, before anything is joined or summed up.
        """

        def table(word: re.Match[str]) -> str:
            name = TABLES[word[1]]
            return f"(SELECT * FROM {name} WHERE org_id = ANY(%(orgs)s))" if scoped else name  # noqa: S608

        text = self.sql if not scoped else self.sql.replace("%", "%%")
        return re.sub(r"\{(\w+)\}", table, text).strip()


@dataclass(frozen=True, slots=True)
class Violation:
    """What one organization breaks of one equation: its first bad row, and how many there are.

    Attributes:
        row_id: the row's key; keys are ordered by time, so the first is the oldest.
        rows: how many rows of the organization break the equation, this one included.
    """

    check: str
    org_id: UUID
    table: str
    row_id: str
    expected: str
    found: str
    rows: int

    def __str__(self) -> str:
        """One line that says it all."""
        more = f" (and {self.rows - 1} more)" if self.rows > 1 else ""
        return (
            f"{self.check}: organization {self.org_id}, {self.table} {self.row_id}: "
            f"expected {self.expected}, found {self.found}{more}"
        )
