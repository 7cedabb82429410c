"""Notices as people see them, and as the mailer takes them."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction
from django.db.models import F, Q

from organizations.choices import (
    BILLING_ROLES,
    CONSOLE_KINDS,
    OWN_KINDS,
    QUIET_KINDS,
    MailStatus,
    NoticeKind,
)

if TYPE_CHECKING:
    from organizations.models.notice import Notice
    from organizations.models.user import User

#: Tries before an e-mail is given up: about twelve hours of them.
ATTEMPTS_MAX: Final = 10
#: Between tries, doubled each time up to the longest. No try takes as long as the first pause: each step of a
#: conversation with the server has 10 seconds.
FIRST_PAUSE: Final = timedelta(minutes=2)
LONGEST_PAUSE: Final = timedelta(hours=4)
ERROR_LENGTH: Final = 500


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices by whom they are for and what became of them."""

    def visible_to(self, user: "User") -> "NoticeQuerySet":
        """Those that the person may see today: a former member sees none of the organization's."""
        mine = self.filter(user=user)
        if user.is_superuser:
            return mine
        places = user.memberships.order_by()
        runs = places.filter(role__in=BILLING_ROLES).values("org_id")
        return mine.filter(
            Q(org_id__in=runs) | Q(kind__in=OWN_KINDS, org_id__in=places.values("org_id"))
        )

    def unread(self) -> "NoticeQuerySet":
        """Those not marked as read."""
        return self.filter(read_at__isnull=True)

    def mail_due(self, moment: datetime) -> "NoticeQuerySet":
        """Those whose e-mail is to be tried, the longest waiting first."""
        due = self.filter(mail_status=MailStatus.QUEUED, mail_next_at__lte=moment)
        return due.order_by("mail_next_at", "id")


class NoticeManager(models.Manager.from_queryset(NoticeQuerySet)):  # type: ignore[misc]
    """The only door to notices."""

    def put(self, rows: Iterable["Notice"]) -> None:
        """Add notices in the caller's transaction; a person who was told already isn't told again."""
        self.bulk_create(rows, ignore_conflicts=True)

    def mark_read(self, user: "User", *, moment: datetime, pk: uuid.UUID | None = None) -> int:
        """Mark one of the person's notices as read, all without `pk`; returns how many weren't."""
        rows = self.visible_to(user).unread()
        if pk is not None:
            rows = rows.filter(pk=pk)
        changed: int = rows.update(read_at=moment)
        return changed

    def claim(self, pk: uuid.UUID, moment: datetime) -> bool:
        """Take a due e-mail for one try; False when somebody else has taken it, or it is not due any more.

        The try is counted and the next one set before it is made: whoever is killed in the middle of it has
        made one, and two workers never make the same.
        """
        due = self.mail_due(moment).filter(pk=pk).values_list("mail_attempts", flat=True).first()
        if due is None or due >= ATTEMPTS_MAX:
            return False
        pause = min(FIRST_PAUSE * 2**due, LONGEST_PAUSE)
        claimed: int = self.filter(
            pk=pk, mail_status=MailStatus.QUEUED, mail_attempts=due, mail_next_at__lte=moment
        ).update(mail_attempts=F("mail_attempts") + 1, mail_next_at=moment + pause)
        return claimed == 1

    def write_mail(
        self, pk: uuid.UUID, status: MailStatus, *, moment: datetime, error: str = ""
    ) -> None:
        """Write what became of a try."""
        values: dict[str, Any] = {"mail_status": status, "mail_error": error[:ERROR_LENGTH]}
        if status == MailStatus.SENT:
            values["mail_sent_at"] = moment
        self.filter(pk=pk, mail_status=MailStatus.QUEUED).update(**values)

    def give_up(self, moment: datetime) -> int:
        """Mark e-mails as given up that have had all their tries; returns how many."""
        spent = self.mail_due(moment).filter(mail_attempts__gte=ATTEMPTS_MAX).order_by()
        given_up: int = spent.update(mail_status=MailStatus.FAILED)
        return given_up

    def queue_again(self, rows: "models.QuerySet[Notice]", *, moment: datetime) -> int:
        """Queue e-mails once more that were given up; returns how many."""
        failed = rows.filter(mail_status=MailStatus.FAILED)
        return failed.update(mail_status=MailStatus.QUEUED, mail_attempts=0, mail_next_at=moment)


class NoticePreferenceManager(models.Manager[Any]):
    """Which kinds a person wants by e-mail."""

    def wanted(self, user: "User") -> dict[NoticeKind, bool]:
        """For every kind, whether the person wants it by e-mail."""
        return self.wanted_by([user.pk])[user.pk]

    def wanted_by(self, user_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[NoticeKind, bool]]:
        """The same for several people. One query."""
        defaults = {kind: kind not in QUIET_KINDS | CONSOLE_KINDS for kind in NoticeKind}
        found = {user_id: dict(defaults) for user_id in user_ids}
        for user_id, kind, by_email in self.filter(user_id__in=list(found)).values_list(
            "user_id", "kind", "by_email"
        ):
            found[user_id][NoticeKind(kind)] = by_email
        return found

    def choose(self, user: "User", chosen: Mapping[NoticeKind, bool]) -> None:
        """Keep what the person chose."""
        rows = [self.model(user=user, kind=kind, by_email=by) for kind, by in chosen.items()]
        with transaction.atomic():
            self.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["user", "kind"],
                update_fields=["by_email"],
            )
