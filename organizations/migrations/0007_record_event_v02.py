"""An event and its deliveries come of one look at the endpoints, so that no event is left without a delivery."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("organizations", "0006_validate_webhook_notices")]

    operations = [
        InstallSql(
            "organizations",
            "functions",
            "record_event",
            version=2,
            drop="public.record_event(uuid, text, jsonb, timestamptz)",
        ),
    ]
