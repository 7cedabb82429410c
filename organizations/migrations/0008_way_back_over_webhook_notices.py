"""Going back, forget the notices of a kind that the migrations before 0005 don't know: their check refuses them."""

from django.db import migrations

OF_WEBHOOKS = "WHERE kind = 'webhook_trouble'"


class Migration(migrations.Migration):
    dependencies = [("organizations", "0007_record_event_v02")]

    operations = [
        migrations.RunSQL(
            migrations.RunSQL.noop,
            f"DELETE FROM {table} {OF_WEBHOOKS}",  # noqa: S608 - nothing of it comes from anybody
            hints={"loses": (table, OF_WEBHOOKS)},
        )
        for table in ("notices", "notice_preferences")
    ]
