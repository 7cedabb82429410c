import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import orgbilling.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_audit_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=orgbilling.lib.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("pool_low", "The pool is low"),
                            ("pool_exhausted", "The pool is used up"),
                            ("own_low", "My credits are low"),
                            ("own_exhausted", "My credits are used up"),
                            ("member_low", "A member's credits are low"),
                            ("member_exhausted", "A member's credits are used up"),
                            ("payment_failed", "A card was declined"),
                            ("past_due", "The subscription is past due"),
                            ("payments_failed", "Cards were declined, in any organization"),
                            ("subscriptions_past_due", "Subscriptions are past due"),
                            ("job_failed", "A job has failed for good"),
                            ("ledger_violated", "The ledger breaks a rule"),
                            ("suspicious", "Suspicious activity"),
                            ("mail_failed", "E-mail could not be delivered"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="The crossing, charge or window it is about.", max_length=200
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                ("detail", models.TextField()),
                (
                    "page",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What mends it: a page of the console by its name, with a query.",
                        max_length=200,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "mail_status",
                    models.CharField(
                        choices=[
                            ("none", "Not by e-mail"),
                            ("queued", "Queued"),
                            ("sent", "Sent"),
                            ("failed", "Given up"),
                        ],
                        default="none",
                        max_length=16,
                        verbose_name="e-mail",
                    ),
                ),
                (
                    "mail_attempts",
                    models.PositiveSmallIntegerField(default=0, verbose_name="attempts"),
                ),
                (
                    "mail_next_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="next attempt"),
                ),
                ("mail_sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "mail_error",
                    models.CharField(
                        blank=True, default="", max_length=500, verbose_name="last error"
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: it concerns the service as a whole.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "notices",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["user", "-created_at", "-id"], name="notices_inbox_idx"),
                    models.Index(
                        condition=models.Q(("read_at__isnull", True)),
                        fields=["user"],
                        name="notices_unread_idx",
                    ),
                    models.Index(
                        condition=models.Q(("mail_status", "queued")),
                        fields=["mail_next_at"],
                        name="notices_mail_due_idx",
                    ),
                    models.Index(fields=["kind", "key"], name="notices_about_idx"),
                    models.Index(fields=["created_at"], name="notices_old_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "kind", "key"), name="notices_once_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "pool_low",
                                    "pool_exhausted",
                                    "own_low",
                                    "own_exhausted",
                                    "member_low",
                                    "member_exhausted",
                                    "payment_failed",
                                    "past_due",
                                    "payments_failed",
                                    "subscriptions_past_due",
                                    "job_failed",
                                    "ledger_violated",
                                    "suspicious",
                                    "mail_failed",
                                ],
                            )
                        ),
                        name="notices_kind_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mail_next_at__isnull", False), ("mail_status", "queued")),
                            models.Q(("mail_sent_at__isnull", False), ("mail_status", "sent")),
                            ("mail_status__in", ["none", "failed"]),
                            _connector="OR",
                        ),
                        name="notices_mail_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticePreference",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=orgbilling.lib.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("pool_low", "The pool is low"),
                            ("pool_exhausted", "The pool is used up"),
                            ("own_low", "My credits are low"),
                            ("own_exhausted", "My credits are used up"),
                            ("member_low", "A member's credits are low"),
                            ("member_exhausted", "A member's credits are used up"),
                            ("payment_failed", "A card was declined"),
                            ("past_due", "The subscription is past due"),
                            ("payments_failed", "Cards were declined, in any organization"),
                            ("subscriptions_past_due", "Subscriptions are past due"),
                            ("job_failed", "A job has failed for good"),
                            ("ledger_violated", "The ledger breaks a rule"),
                            ("suspicious", "Suspicious activity"),
                            ("mail_failed", "E-mail could not be delivered"),
                        ],
                        max_length=32,
                    ),
                ),
                ("by_email", models.BooleanField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "notice_preferences",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "kind"), name="notice_preferences_once_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "pool_low",
                                    "pool_exhausted",
                                    "own_low",
                                    "own_exhausted",
                                    "member_low",
                                    "member_exhausted",
                                    "payment_failed",
                                    "past_due",
                                    "payments_failed",
                                    "subscriptions_past_due",
                                    "job_failed",
                                    "ledger_violated",
                                    "suspicious",
                                    "mail_failed",
                                ],
                            )
                        ),
                        name="notice_preferences_kind_check",
                    ),
                ],
            },
        ),
    ]
