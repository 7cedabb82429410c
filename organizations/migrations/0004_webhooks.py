"""The outbox of webhooks: endpoints, events, deliveries and attempts."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import orgbilling.lib.ids
from orgbilling.lib.sqlfiles import InstallSql

# The tables are new and empty: nothing is scanned and nobody waits.
FORWARD = """
-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_event_fk
    FOREIGN KEY (org_id, event_id) REFERENCES webhook_events (org_id, id);
ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_endpoint_fk
    FOREIGN KEY (org_id, endpoint_id) REFERENCES webhook_endpoints (org_id, id);
ALTER TABLE webhook_attempts ADD CONSTRAINT webhook_attempts_delivery_fk
    FOREIGN KEY (org_id, delivery_id) REFERENCES webhook_deliveries (org_id, id);
-- Claimed, written and written again: room on the page for the new versions.
ALTER TABLE webhook_deliveries SET (fillfactor = 70);
"""

BACK = """
ALTER TABLE webhook_deliveries RESET (fillfactor);
ALTER TABLE webhook_attempts DROP CONSTRAINT webhook_attempts_delivery_fk;
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_endpoint_fk;
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_event_fk;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookEndpoint",
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
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook_endpoints",
                        to="organizations.organization",
                    ),
                ),
                ("url", models.CharField(max_length=1000, verbose_name="address")),
                ("description", models.CharField(blank=True, default="", max_length=200)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=None
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("enabled", "Enabled"),
                            ("disabled", "Disabled"),
                            ("deleted", "Deleted"),
                        ],
                        default="enabled",
                        max_length=16,
                    ),
                ),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_hand", "Disabled by hand"),
                            ("gone", "It answered 410 Gone"),
                            ("failing", "Every attempt failed for five days"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "secret",
                    models.TextField(blank=True, editable=False, verbose_name="encrypted secret"),
                ),
                (
                    "previous_secret",
                    models.TextField(
                        blank=True,
                        default="",
                        editable=False,
                        verbose_name="encrypted former secret",
                    ),
                ),
                ("previous_secret_until", models.DateTimeField(blank=True, null=True)),
                ("consecutive_failures", models.IntegerField(default=0)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("resting_until", models.DateTimeField(blank=True, null=True)),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "webhook_endpoints",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["org", "-created_at", "-id"], name="webhook_endpoints_new")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "id"), name="webhook_endpoints_org_id_id_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("url__regex", "^https?://[^\\s]+$")),
                        name="webhook_endpoints_url_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("events__len__gte", 1),
                            (
                                "events__contained_by",
                                [
                                    "*",
                                    "credits.added",
                                    "credits.allocated",
                                    "credits.reclaimed",
                                    "credits.low",
                                    "credits.exhausted",
                                    "credits.refused",
                                    "credits.reset",
                                    "credits.refunded",
                                    "hold.placed",
                                    "hold.captured",
                                    "hold.released",
                                    "hold.expired",
                                    "subscription.created",
                                    "subscription.changed",
                                    "subscription.renewed",
                                    "subscription.past_due",
                                    "subscription.paused",
                                    "subscription.resumed",
                                    "subscription.canceled",
                                    "invoice.issued",
                                    "invoice.paid",
                                    "invoice.payment_failed",
                                    "member.added",
                                    "member.role_changed",
                                    "member.removed",
                                ],
                            ),
                        ),
                        name="webhook_endpoints_events_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("disabled_at__isnull", True),
                                ("disabled_reason", ""),
                                ("status", "enabled"),
                            ),
                            models.Q(
                                ("disabled_at__isnull", False),
                                ("disabled_reason__in", ["by_hand", "gone", "failing"]),
                                ("status", "disabled"),
                            ),
                            models.Q(
                                ("previous_secret", ""), ("secret", ""), ("status", "deleted")
                            ),
                            _connector="OR",
                        ),
                        name="webhook_endpoints_status_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "deleted"),
                            models.Q(("secret", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="webhook_endpoints_secret_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("previous_secret", ""), ("previous_secret_until__isnull", True)
                            ),
                            models.Q(
                                models.Q(("previous_secret", ""), _negated=True),
                                ("previous_secret_until__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="webhook_endpoints_previous_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("consecutive_failures", 0), ("failing_since__isnull", True)),
                            models.Q(
                                ("consecutive_failures__gte", 1), ("failing_since__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="webhook_endpoints_failures_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
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
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                ("type", models.CharField(max_length=32)),
                ("data", models.JSONField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "webhook_events",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(fields=["org", "-created_at", "-id"], name="webhook_events_new"),
                    models.Index(
                        fields=["org", "type", "-created_at", "-id"], name="webhook_events_type"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "id"), name="webhook_events_org_id_id_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("type__regex", "^[a-z]+\\.[a-z_]+$")),
                        name="webhook_events_type_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Func(
                                models.F("data"),
                                output_field=models.BooleanField(),
                                template="(jsonb_typeof(%(expressions)s) = 'object' AND octet_length((%(expressions)s)::text) <= 16384)",
                            )
                        ),
                        name="webhook_events_data_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
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
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="organizations.webhookevent",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="organizations.webhookendpoint",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("discarded", "Discarded"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("attempts", models.IntegerField(default=0)),
                ("step", models.SmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("last_attempt_at", models.DateTimeField(blank=True, null=True)),
                (
                    "last_status",
                    models.SmallIntegerField(
                        blank=True, null=True, verbose_name="status of the last answer"
                    ),
                ),
                ("last_error", models.CharField(blank=True, default="", max_length=500)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "db_table": "webhook_deliveries",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["next_attempt_at"],
                        name="webhook_deliveries_due",
                    ),
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["org", "endpoint", "next_attempt_at"],
                        name="webhook_deliveries_waiting",
                    ),
                    models.Index(
                        fields=["org", "endpoint", "-created_at", "-id"],
                        name="webhook_deliveries_new",
                    ),
                    models.Index(
                        condition=models.Q(("status", "delivered")),
                        fields=["delivered_at"],
                        name="webhook_deliveries_old",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "id"), name="webhook_deliveries_org_id_id_key"
                    ),
                    models.UniqueConstraint(
                        fields=("org", "event", "endpoint"), name="webhook_deliveries_once_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("delivered_at__isnull", True),
                                ("next_attempt_at__isnull", False),
                                ("status", "pending"),
                            ),
                            models.Q(
                                ("claimed_until__isnull", True),
                                ("delivered_at__isnull", False),
                                ("next_attempt_at__isnull", True),
                                ("status", "delivered"),
                            ),
                            models.Q(
                                ("claimed_until__isnull", True),
                                ("delivered_at__isnull", True),
                                ("next_attempt_at__isnull", True),
                                ("status__in", ["failed", "discarded"]),
                            ),
                            _connector="OR",
                        ),
                        name="webhook_deliveries_status_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attempts__gte", models.F("step")), ("step__gte", 0)),
                        name="webhook_deliveries_attempts_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookAttempt",
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
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempt_rows",
                        to="organizations.webhookdelivery",
                    ),
                ),
                ("number", models.IntegerField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("status_code", models.SmallIntegerField(blank=True, null=True)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
                ("response", models.CharField(blank=True, default="", max_length=1024)),
            ],
            options={
                "db_table": "webhook_attempts",
                "ordering": ("number",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "delivery", "number"), name="webhook_attempts_once_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="webhook_attempts_number_check"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ended_at__gte", models.F("started_at"))),
                        name="webhook_attempts_ended_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status_code__isnull", False),
                            models.Q(("error", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="webhook_attempts_outcome_check",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACK),
        InstallSql("organizations", "functions", "rfc3339", drop="public.rfc3339(timestamptz)"),
        InstallSql(
            "organizations",
            "functions",
            "record_event",
            drop="public.record_event(uuid, text, jsonb, timestamptz)",
        ),
    ]
