from django.db import migrations

CONSTRAINTS = ("org_billing_history_event_type_check", "org_billing_history_credits_check")


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_imported_events")]

    operations = [
        migrations.RunSQL(
            "".join(
                f"ALTER TABLE org_billing_history VALIDATE CONSTRAINT {name};\n"
                for name in CONSTRAINTS
            ),
            migrations.RunSQL.noop,
        )
    ]
