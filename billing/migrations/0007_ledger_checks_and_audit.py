from django.db import migrations, models

import orgbilling.lib.ids
from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_validate_renewals"),
        ("credits", "0013_audit_indexes"),
        ("organizations", "0002_audit_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("org_id", models.UUIDField(null=True)),
                ("org_name", models.TextField(null=True)),
                ("created_at", models.DateTimeField(verbose_name="when")),
                ("actor", models.TextField()),
                ("actor_name", models.TextField(null=True)),
                ("source", models.TextField()),
                ("action", models.TextField()),
                ("subject_user_id", models.UUIDField(null=True)),
                ("subject_email", models.TextField(null=True)),
                ("subject", models.TextField()),
                ("credits", models.BigIntegerField(null=True)),
                ("available_before", models.BigIntegerField(null=True)),
                ("available_after", models.BigIntegerField(null=True)),
                ("remaining_before", models.BigIntegerField(null=True)),
                ("remaining_after", models.BigIntegerField(null=True)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("reason", models.TextField()),
                ("request_id", models.TextField()),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit",
                "db_table": "v_audit",
                "ordering": ("-created_at", "-id"),
                "abstract": False,
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="LedgerCheck",
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
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "as_of",
                    models.DateTimeField(
                        blank=True,
                        help_text="The instant of the ledger that was judged.",
                        null=True,
                    ),
                ),
                (
                    "asked_by",
                    models.CharField(help_text="user:<id>, key:<id> or system.", max_length=64),
                ),
                ("checked", models.IntegerField(default=0, help_text="How many equations.")),
                (
                    "violations",
                    models.BigIntegerField(default=0, help_text="How many rows break one."),
                ),
                ("milliseconds", models.BigIntegerField(default=0)),
                (
                    "details",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Broken equations: the first violations of each.",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_checks",
                "ordering": ("-started_at", "-id"),
            },
        ),
        migrations.AddIndex(
            model_name="ledgercheck",
            index=models.Index(fields=["-started_at", "-id"], name="ledger_checks_newest"),
        ),
        migrations.AddConstraint(
            model_name="ledgercheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("as_of__isnull", True), ("finished_at__isnull", True)),
                    models.Q(
                        ("as_of__isnull", False),
                        ("finished_at__gte", models.F("started_at")),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="ledger_checks_finished_check",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgercheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("checked__gte", 0), ("milliseconds__gte", 0), ("violations__gte", 0)
                ),
                name="ledger_checks_counts_check",
            ),
        ),
        InstallSql("billing", "views", "v_audit", drop="public.v_audit"),
    ]
