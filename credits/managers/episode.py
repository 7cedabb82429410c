"""Opening and closing the times during which credits are low."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import Q, QuerySet

from credits.choices import ShortageLevel

if TYPE_CHECKING:
    from credits.models import LowCreditEpisode


class EpisodeManager(models.Manager["LowCreditEpisode"]):
    """The only door to them; each scope and level has at most one that is open."""

    def current(self) -> QuerySet[LowCreditEpisode]:
        """Those that go on."""
        return self.filter(ended_at__isnull=True)

    def begin(
        self,
        *,
        org_id: UUID,
        allocation_id: UUID | None,
        level: ShortageLevel,
        left: int,
        whole: int,
        moment: datetime,
    ) -> LowCreditEpisode | None:
        """Open one; None when one is open already: somebody else has noticed the same crossing."""
        try:
            with transaction.atomic():
                return self.create(
                    org_id=org_id,
                    allocation_id=allocation_id,
                    level=level,
                    left_credits=left,
                    whole_credits=whole,
                    began_at=moment,
                )
        except IntegrityError:
            same = Q(org_id=org_id, level=level)
            same &= Q(allocation_id=allocation_id) if allocation_id else Q(allocation_id=None)
            if not self.current().filter(same).exists():
                raise
            return None

    def end(self, episode: LowCreditEpisode, *, moment: datetime) -> None:
        """Close one: the alert is armed again."""
        ended = max(moment, episode.began_at)
        self.current().filter(org_id=episode.org_id, pk=episode.pk).update(ended_at=ended)
