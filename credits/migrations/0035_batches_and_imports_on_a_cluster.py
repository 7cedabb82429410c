"""What a cluster needs: a batch asks for the price of each service once, and an import notes its late rows itself."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

FUNCTIONS = (
    ("deduct_batch", "uuid, jsonb, text"),
    ("import_usage", "uuid, text, jsonb"),
)


class Migration(migrations.Migration):
    dependencies = [("credits", "0031_periods_after_every_charge")]

    operations = [
        InstallSql("credits", "functions", name, version=2, drop=f"public.{name}({arguments})")
        for name, arguments in FUNCTIONS
    ]
