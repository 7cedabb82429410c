import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import orgbilling.lib.ids
from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditLogEntry",
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
                ("action", models.CharField(max_length=48)),
                (
                    "subject",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What it was done to, in words.",
                        max_length=255,
                    ),
                ),
                ("before", models.JSONField(blank=True, null=True)),
                ("after", models.JSONField(blank=True, null=True)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "actor",
                    models.CharField(
                        help_text="Who did it: user:<id>, key:<id> or system.", max_length=64
                    ),
                ),
                ("request_id", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField()),
                (
                    "org",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: it concerns no single organization.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "subject_user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="The person it was done to.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log",
                "db_table": "audit_log",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        fields=["org", "-created_at", "-id"], name="audit_log_org_newest_idx"
                    ),
                    models.Index(fields=["-created_at", "-id"], name="audit_log_newest_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("action__regex", "^[a-z_]+$")),
                        name="audit_log_action_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("actor", ""), _negated=True),
                        name="audit_log_actor_check",
                    ),
                ],
            },
        ),
        InstallSql(
            "organizations", "triggers", "refuse_audit_change", drop="public.refuse_audit_change()"
        ),
    ]
