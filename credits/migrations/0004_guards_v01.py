"""What keeps balances and history right against whoever writes SQL by hand."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0003_functions_v01")]

    operations = [
        InstallSql(
            "credits", "triggers", "refuse_history_change", drop="public.refuse_history_change()"
        ),
        InstallSql(
            "credits", "triggers", "refuse_balance_change", drop="public.refuse_balance_change()"
        ),
    ]
