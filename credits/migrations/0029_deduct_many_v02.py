"""Charges of any organizations in one call, written by one statement."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0028_immutable_boundaries")]
    operations = [
        InstallSql(
            "credits",
            "functions",
            "deduct_many",
            version=2,
            drop="public.deduct_many(jsonb, integer)",
        ),
    ]
