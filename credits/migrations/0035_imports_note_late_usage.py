"""An import notes its late rows itself: on a cluster no trigger does."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0034_checks_in_fewer_words")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "import_usage",
            version=2,
            drop="public.import_usage(uuid, text, jsonb)",
        )
    ]
