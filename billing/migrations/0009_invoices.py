import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.db import migrations, models

import orgbilling.lib.ids
from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_history_newest"),
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="BillingDetails",
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
                ("legal_name", models.CharField(blank=True, default="", max_length=200)),
                (
                    "email",
                    models.EmailField(
                        blank=True, default="", max_length=254, verbose_name="billing e-mail"
                    ),
                ),
                (
                    "address",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="As on an envelope, up to 500 characters in lines.",
                        max_length=500,
                    ),
                ),
                ("country", models.CharField(blank=True, default="", max_length=100)),
                (
                    "tax_id",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Such as a VAT number.",
                        max_length=64,
                        verbose_name="tax id",
                    ),
                ),
                (
                    "actor",
                    models.CharField(
                        help_text="Who changed it last: user:<id> or system.", max_length=64
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing_details",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "billing details",
                "verbose_name_plural": "billing details",
                "db_table": "billing_details",
                "ordering": ("org_id",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "id"), name="billing_details_org_id_id_key"
                    ),
                    models.UniqueConstraint(fields=("org",), name="billing_details_org_id_key"),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.LessThanOrEqual(
                            django.db.models.functions.text.Length("address"), 500
                        ),
                        name="billing_details_address_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
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
                ("number", models.IntegerField()),
                ("issued_at", models.DateTimeField()),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("document", models.JSONField()),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="organizations.organization",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "db_table": "invoices",
                "ordering": ("-issued_at", "-id"),
                "indexes": [models.Index(fields=["-issued_at", "-id"], name="invoices_new")],
                "constraints": [
                    models.UniqueConstraint(fields=("org", "id"), name="invoices_org_id_id_key"),
                    models.UniqueConstraint(
                        fields=("org", "payment"), name="invoices_org_id_payment_id_key"
                    ),
                    models.UniqueConstraint(
                        fields=("org", "number"), name="invoices_org_id_number_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="invoices_number_check"
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            # The table is new and empty: nothing is scanned and nobody waits.
            sql="""
            -- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint
            ALTER TABLE invoices
            ADD CONSTRAINT invoices_org_id_payment_id_fkey
            FOREIGN KEY (org_id, payment_id) REFERENCES payments (org_id, id);
            """,
            reverse_sql="""
            ALTER TABLE invoices DROP CONSTRAINT invoices_org_id_payment_id_fkey;
            """,
        ),
        InstallSql(
            "billing", "triggers", "refuse_invoice_change", drop="public.refuse_invoice_change()"
        ),
    ]
