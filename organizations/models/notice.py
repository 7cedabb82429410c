"""What a person is told of, and which of it they want by e-mail."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from organizations.choices import MailStatus, NoticeKind
from organizations.managers.notices import NoticeManager, NoticePreferenceManager
from organizations.models.organization import Organization
from organizations.models.user import User
from orgbilling.lib.ids import uuid7


class Notice(models.Model):
    """One thing that one person is told, in the console and, while it is queued, by e-mail.

    `key` says what it is about, so that a person is told of it once however often it is noticed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notices", db_index=False)
    org = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="Empty: it concerns the service as a whole.",
    )
    kind = models.CharField(max_length=32, choices=NoticeKind)
    key = models.CharField(max_length=200, help_text="The crossing, charge or window it is about.")
    title = models.CharField(max_length=300)
    detail = models.TextField()
    page = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="What mends it: a page of the console by its name, with a query.",
    )
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mail_status = models.CharField(
        "e-mail", max_length=16, choices=MailStatus, default=MailStatus.NONE
    )
    mail_attempts = models.PositiveSmallIntegerField("attempts", default=0)
    mail_next_at = models.DateTimeField("next attempt", null=True, blank=True)
    mail_sent_at = models.DateTimeField("sent", null=True, blank=True)
    mail_error = models.CharField("last error", max_length=500, blank=True, default="")

    objects: ClassVar[NoticeManager] = NoticeManager()

    class Meta:
        """Table and constraints."""

        db_table = "notices"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("user", "kind", "key"), name="notices_once_key"),
            models.CheckConstraint(
                name="notices_kind_check", condition=Q(kind__in=NoticeKind.values)
            ),
            models.CheckConstraint(
                name="notices_mail_check",
                condition=Q(mail_status=MailStatus.QUEUED, mail_next_at__isnull=False)
                | Q(mail_status=MailStatus.SENT, mail_sent_at__isnull=False)
                | Q(mail_status__in=[MailStatus.NONE, MailStatus.FAILED]),
            ),
        )
        indexes = (
            models.Index(fields=("user", "-created_at", "-id"), name="notices_inbox_idx"),
            models.Index(
                fields=("user",), condition=Q(read_at__isnull=True), name="notices_unread_idx"
            ),
            models.Index(
                fields=("mail_next_at",),
                condition=Q(mail_status=MailStatus.QUEUED),
                name="notices_mail_due_idx",
            ),
            models.Index(fields=("kind", "key"), name="notices_about_idx"),
            models.Index(fields=("created_at",), name="notices_old_idx"),
        )

    def __str__(self) -> str:
        return self.title


class NoticePreference(models.Model):
    """That a person wants a kind of notice by e-mail, or doesn't; without a row the default holds."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=32, choices=NoticeKind)
    by_email = models.BooleanField()

    objects: ClassVar[NoticePreferenceManager] = NoticePreferenceManager()

    class Meta:
        """Table and constraints."""

        db_table = "notice_preferences"
        constraints = (
            models.UniqueConstraint(fields=("user", "kind"), name="notice_preferences_once_key"),
            models.CheckConstraint(
                name="notice_preferences_kind_check", condition=Q(kind__in=NoticeKind.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {'e-mail' if self.by_email else 'console only'}"
