"""What computes a period's boundary says that it depends on its arguments alone: Citus takes it in an UPDATE then."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

ARGUMENTS = "timestamptz, text, text, timestamptz"


class Migration(migrations.Migration):
    dependencies = [("credits", "0027_elapsed_holds_by_columns")]

    operations = [
        InstallSql("credits", "functions", name, version=2, drop=f"public.{name}({ARGUMENTS})")
        for name in ("period_boundary", "next_period_boundary")
    ]
