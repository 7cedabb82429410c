"""Claims of idempotency keys, and the answers stored for them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, models

from orgbilling.database.preparing import preparing_cursor
from orgbilling.lib import sqlstate
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import RequestInProgress
from orgbilling.lib.ids import uuid7

if TYPE_CHECKING:
    from credits.models import StoredAnswer

#: How long a refusal (402) keeps its key.
REFUSAL_KEPT = timedelta(days=7)
LOCK_NOT_AVAILABLE = "55P03"


class AnswerManager(models.Manager["StoredAnswer"]):
    """One row a key; the unique index makes a second claim wait for the first to commit or roll back."""

    def find(self, *, org_id: UUID, operation: str, key: str) -> StoredAnswer | None:
        """The stored answer, None when there is none or it is a refusal whose time has passed."""
        answer = self.filter(org_id=org_id, operation=operation, key=key).first()
        if (
            answer is not None
            and answer.expires_at is not None
            and answer.expires_at <= database_now()
        ):
            self.filter(org_id=org_id, pk=answer.pk).delete()
            return None
        return answer

    def claim(
        self, *, org_id: UUID, operation: str, key: str, body_hash: bytes
    ) -> StoredAnswer | None:
        """Take the key for the caller's transaction; the stored answer instead when it was taken before.

        Raises:
            RequestInProgress: the transaction that holds the key didn't end within the lock timeout; the caller's
                transaction, or savepoint, can only be rolled back.
        """
        while not self._take(org_id, operation, key, body_hash):
            found = self.find(org_id=org_id, operation=operation, key=key)
            if found is not None:
                return found
        return None

    def _take(self, org_id: UUID, operation: str, key: str, body_hash: bytes) -> bool:
        """Whether the key was free; waits for the transaction that holds it."""
        # Asked by each request that moves credits under a key, and Django's own insert doesn't tell who was first.
        with preparing_cursor(self.db) as cursor:
            try:
                cursor.execute(
                    "INSERT INTO public.idempotency_answers"
                    " (id, org_id, operation, key, body_hash, status, body, created_at)"
                    " VALUES (%s, %s, %s, %s, %s, 200, '', public.billing_now())"
                    " ON CONFLICT (org_id, operation, key) DO NOTHING",
                    [uuid7(), org_id, operation, key, body_hash],
                )
            except DatabaseError as exc:
                if sqlstate.of(exc) == LOCK_NOT_AVAILABLE:
                    raise RequestInProgress from exc
                raise
            taken: bool = cursor.rowcount == 1
        return taken

    def settle(
        self, *, org_id: UUID, operation: str, key: str, status: int, body: str, final: bool
    ) -> None:
        """Store the answer of the claim that the caller's transaction holds.

        Args:
            final: False for a refusal, which frees the key after seven days.
        """
        self.filter(org_id=org_id, operation=operation, key=key).update(
            status=status, body=body, expires_at=None if final else database_now() + REFUSAL_KEPT
        )
