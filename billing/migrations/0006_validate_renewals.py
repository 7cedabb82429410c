from django.db import migrations

CONSTRAINTS = (
    ("org_billing_history", "org_billing_history_event_type_check"),
    ("org_billing_history", "org_billing_history_credits_check"),
    ("organization_subscriptions", "organization_subscriptions_past_due_check"),
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_renewals")]

    operations = [
        migrations.RunSQL(
            "".join(f"ALTER TABLE {t} VALIDATE CONSTRAINT {c};\n" for t, c in CONSTRAINTS),
            migrations.RunSQL.noop,
        )
    ]
