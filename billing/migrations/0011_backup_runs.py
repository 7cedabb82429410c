from django.db import migrations, models

import orgbilling.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_payment_providers"),
    ]

    operations = [
        migrations.CreateModel(
            name="BackupRun",
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
                            ("backup", "Backup"),
                            ("restore", "Restore"),
                            ("restore_drill", "Restore drill"),
                        ],
                        max_length=16,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=16,
                    ),
                ),
                (
                    "file_name",
                    models.CharField(
                        blank=True, default="", help_text="Without its folder.", max_length=255
                    ),
                ),
                ("bytes", models.BigIntegerField(default=0, help_text="How large the file is.")),
                (
                    "sha256",
                    models.CharField(
                        blank=True, default="", help_text="Of the file.", max_length=64
                    ),
                ),
                (
                    "ledger_position",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="How far the ledger was: counts and newest ids.",
                    ),
                ),
                ("milliseconds", models.BigIntegerField(default=0)),
                (
                    "detail",
                    models.TextField(
                        blank=True, default="", help_text="What was found, or went wrong."
                    ),
                ),
            ],
            options={
                "db_table": "backup_runs",
                "ordering": ("-started_at", "-id"),
                "indexes": [
                    models.Index(fields=["kind", "-started_at", "-id"], name="backup_runs_newest")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["backup", "restore", "restore_drill"])),
                        name="backup_runs_kind_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("outcome", "running")),
                            models.Q(
                                ("finished_at__gte", models.F("started_at")),
                                ("finished_at__isnull", False),
                                ("outcome__in", ("succeeded", "failed")),
                            ),
                            _connector="OR",
                        ),
                        name="backup_runs_outcome_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("bytes__gte", 0), ("milliseconds__gte", 0)),
                        name="backup_runs_counts_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "backup"), ("outcome", "succeeded"), _negated=True),
                            models.Q(
                                models.Q(("file_name", ""), _negated=True),
                                ("bytes__gt", 0),
                                ("sha256__regex", "^[0-9a-f]{64}$"),
                            ),
                            _connector="OR",
                        ),
                        name="backup_runs_file_check",
                    ),
                ],
            },
        ),
    ]
