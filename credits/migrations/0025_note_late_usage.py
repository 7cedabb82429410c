"""Usage rows of a past moment are noted, so that no sum misses them. Here before anything is summed up."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0024_usage_rollups")]

    operations = [
        InstallSql("credits", "triggers", "note_late_usage", drop="public.note_late_usage()")
    ]
