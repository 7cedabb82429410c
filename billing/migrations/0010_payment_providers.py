from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

import orgbilling.lib.ids

# The tables are new and empty: nothing is scanned and nobody waits.
FORWARD = """
-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE payment_attempts ADD CONSTRAINT payment_attempts_payment_fk
    FOREIGN KEY (org_id, payment_id) REFERENCES payments (org_id, id);
"""
BACK = "ALTER TABLE payment_attempts DROP CONSTRAINT payment_attempts_payment_fk;"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_invoices"),
        ("organizations", "0001_initial"),
    ]

    operations = [
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
                    "provider",
                    models.CharField(
                        choices=[("on_account", "On account"), ("stripe", "Card")], max_length=16
                    ),
                ),
                (
                    "event_id",
                    models.CharField(help_text="The provider's id, such as evt_….", max_length=255),
                ),
                ("event_type", models.CharField(max_length=255)),
                ("body", models.BinaryField(help_text="The request's body, as it came.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("processed", "Processed"),
                            ("ignored", "Ignored"),
                            ("failed", "Failed"),
                        ],
                        default="received",
                        max_length=16,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("received_at", models.DateTimeField()),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "webhook event",
                "db_table": "payment_webhook_events",
                "ordering": ("-received_at", "-id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "received")),
                        fields=["received_at"],
                        name="payment_webhook_events_waiting",
                    ),
                    models.Index(fields=["processed_at"], name="payment_webhook_events_old"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "event_id"), name="payment_webhook_events_event_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("provider__in", ["on_account", "stripe"])),
                        name="payment_webhook_events_provider_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("processed_at__isnull", True), ("status", "received")),
                            models.Q(
                                ("processed_at__isnull", False),
                                ("status__in", ["processed", "ignored", "failed"]),
                            ),
                            _connector="OR",
                        ),
                        name="payment_webhook_events_status_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentAttempt",
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
                ("number", models.PositiveIntegerField(help_text="The first is 1.")),
                (
                    "provider",
                    models.CharField(
                        choices=[("on_account", "On account"), ("stripe", "Card")], max_length=16
                    ),
                ),
                ("customer_id", models.CharField(max_length=255)),
                ("method_id", models.CharField(max_length=255)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=16)),
                ("currency", models.CharField(max_length=3)),
                (
                    "return_url",
                    models.TextField(
                        blank=True, default="", help_text="Empty: nobody was there to agree to it."
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The provider's id, such as pi_….",
                        max_length=255,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("requires_action", "Requires action"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        default="started",
                        max_length=16,
                    ),
                ),
                ("failure_code", models.CharField(blank=True, default="", max_length=64)),
                ("failure_message", models.TextField(blank=True, default="")),
                (
                    "duplicate",
                    models.BooleanField(
                        default=False,
                        help_text="The money came although the payment was settled or void already: give it back.",
                    ),
                ),
                (
                    "refunded_amount",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0.00"),
                        help_text="By the provider.",
                        max_digits=16,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_attempts",
                        to="organizations.organization",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "db_table": "payment_attempts",
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        condition=models.Q(("reference", ""), _negated=True),
                        fields=["provider", "reference"],
                        name="payment_attempts_reference",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "id"), name="payment_attempts_org_id_id_key"
                    ),
                    models.UniqueConstraint(
                        fields=("org", "payment", "number"), name="payment_attempts_number_key"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("started", "requires_action"))),
                        fields=("org", "payment"),
                        name="payment_attempts_one_open_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("duplicate", False), ("status", "succeeded")),
                        fields=("org", "payment"),
                        name="payment_attempts_one_success_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("reference", ""), _negated=True),
                        fields=("org", "provider", "reference"),
                        name="payment_attempts_reference_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("provider__in", ["on_account", "stripe"])),
                        name="payment_attempts_provider_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["started", "requires_action", "succeeded", "failed"])
                        ),
                        name="payment_attempts_status_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payment_attempts_amount_check"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                        name="payment_attempts_currency_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "succeeded"), _negated=True),
                            models.Q(("reference", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="payment_attempts_success_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("duplicate", False), ("status", "succeeded"), _connector="OR"
                        ),
                        name="payment_attempts_duplicate_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded_amount__gte", 0),
                            ("refunded_amount__lte", models.F("amount")),
                        ),
                        name="payment_attempts_refunded_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentCustomer",
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
                    "provider",
                    models.CharField(
                        choices=[("on_account", "On account"), ("stripe", "Card")], max_length=16
                    ),
                ),
                (
                    "customer_id",
                    models.CharField(help_text="The provider's id, such as cus_….", max_length=255),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_customers",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "db_table": "payment_customers",
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "id"), name="payment_customers_org_id_id_key"
                    ),
                    models.UniqueConstraint(
                        fields=("org", "provider"), name="payment_customers_org_id_provider_key"
                    ),
                    models.UniqueConstraint(
                        fields=("provider", "customer_id"), name="payment_customers_customer_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("provider__in", ["on_account", "stripe"])),
                        name="payment_customers_provider_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("customer_id", ""), _negated=True),
                        name="payment_customers_customer_id_check",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACK),
    ]
