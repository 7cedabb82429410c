"""Usage summed up by hour and day, for reports that don't grow with the table."""

import django.db.models.deletion
from django.db import migrations, models

GRAINS = [("hour", "Hour"), ("day", "Day")]


def organization():
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="organizations.organization",
    )


def key(*columns):
    return models.CompositePrimaryKey(
        *columns, blank=True, editable=False, primary_key=True, serialize=False
    )


def sums():
    return [
        (
            "credits",
            models.BigIntegerField(help_text="Below zero where more was refunded than charged."),
        ),
        ("requests", models.BigIntegerField(help_text="Charges; refunds don't count.")),
    ]


def possible(name):
    return models.CheckConstraint(
        condition=models.Q(("grain__in", ["hour", "day"]), ("requests__gte", 0)), name=name
    )


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0020_deduct_many"),
        ("organizations", "0006_validate_webhook_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "org",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="organizations.organization",
                    ),
                ),
                (
                    "rolled_until",
                    models.DateTimeField(help_text="Null: nothing was summed up yet.", null=True),
                ),
                (
                    "candidate_at",
                    models.DateTimeField(help_text="When a transaction of that number began."),
                ),
                (
                    "candidate_xid",
                    models.BigIntegerField(help_text="Its number, as pg_current_xact_id gives it."),
                ),
                (
                    "safe_until",
                    models.DateTimeField(
                        help_text="No row before it can appear any more without a note that it is late.",
                        null=True,
                    ),
                ),
            ],
            options={"db_table": "credit_usage_rollups"},
        ),
        migrations.CreateModel(
            name="LateUsage",
            fields=[
                ("pk", key("org_id", "created_at", "usage_id")),
                ("org", organization()),
                ("created_at", models.DateTimeField(help_text="The row's.")),
                ("usage_id", models.UUIDField()),
            ],
            options={"db_table": "credit_usage_late"},
        ),
        migrations.CreateModel(
            name="ServiceCell",
            fields=[
                ("pk", key("org_id", "grain", "starts_at", "service_name")),
                ("org", organization()),
                ("grain", models.CharField(choices=GRAINS, max_length=4)),
                ("starts_at", models.DateTimeField()),
                *sums(),
                ("service_name", models.CharField(max_length=100)),
            ],
            options={
                "db_table": "credit_usage_by_service",
                "indexes": [
                    models.Index(
                        fields=["grain", "starts_at"],
                        include=["org", "service_name", "credits", "requests"],
                        name="service_cell_time_idx",
                    )
                ],
                "constraints": [possible("service_cell_possible")],
            },
        ),
        migrations.CreateModel(
            name="UserCell",
            fields=[
                ("pk", key("org_id", "grain", "starts_at", "user_id")),
                ("org", organization()),
                ("grain", models.CharField(choices=GRAINS, max_length=4)),
                ("starts_at", models.DateTimeField()),
                *sums(),
                ("user_id", models.UUIDField()),
            ],
            options={
                "db_table": "credit_usage_by_user",
                "indexes": [
                    models.Index(
                        fields=["org", "grain", "starts_at"],
                        include=["user_id", "credits", "requests"],
                        name="user_cell_time_idx",
                    )
                ],
                "constraints": [possible("user_cell_possible")],
            },
        ),
    ]
