import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import orgbilling.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0014_change_reset_period"),
        ("organizations", "0003_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="LowCreditEpisode",
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
                    "level",
                    models.CharField(
                        choices=[("low", "Low"), ("exhausted", "Exhausted")], max_length=16
                    ),
                ),
                ("left_credits", models.BigIntegerField(help_text="When it was noticed.")),
                ("whole_credits", models.BigIntegerField(help_text="What the percentage is of.")),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "allocation",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Empty: the pool.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="credits.allocation",
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "low-credit episode",
                "db_table": "low_credit_episodes",
                "ordering": ("-began_at", "-id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=["org"],
                        name="episode_open_idx",
                    ),
                    models.Index(fields=["ended_at"], name="episode_old_idx"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("org", "id"), name="episode_org_id_uniq"),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("org", "allocation", "level"),
                        name="episode_one_open",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["low", "exhausted"])),
                        name="episode_level_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at__isnull", True),
                            ("ended_at__gte", models.F("began_at")),
                            _connector="OR",
                        ),
                        name="episode_ends_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("left_credits__gte", 0), ("whole_credits__gte", 0)),
                        name="episode_credits_not_negative",
                    ),
                ],
            },
        ),
        # Here, where the table is empty and the lock on the allocations is short; nothing is scanned.
        migrations.RunSQL(
            "-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint\n"
            "ALTER TABLE low_credit_episodes ADD CONSTRAINT episode_allocation_fk"
            " FOREIGN KEY (org_id, allocation_id) REFERENCES user_credit_allocations (org_id, id);",
            "ALTER TABLE low_credit_episodes DROP CONSTRAINT episode_allocation_fk;",
        ),
        migrations.AddField(
            model_name="allocation",
            name="alert_threshold_percent",
            field=models.SmallIntegerField(
                blank=True,
                db_default=20,
                help_text="Warn when at most this part of what is allocated is left.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="allocation",
            name="alert_threshold_credits",
            field=models.BigIntegerField(
                blank=True, help_text="Warn when at most so many credits are left.", null=True
            ),
        ),
        AddConstraintNotValid(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("alert_threshold_percent__isnull", True),
                        ("alert_threshold_percent__range", (0, 100)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("alert_threshold_credits__isnull", True),
                        ("alert_threshold_credits__gte", 0),
                        _connector="OR",
                    ),
                ),
                name="allocation_thresholds_range",
            ),
        ),
    ]
