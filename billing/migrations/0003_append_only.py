from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_plan_catalogue")]

    operations = [
        InstallSql(
            "billing",
            "triggers",
            "refuse_billing_history_change",
            drop="public.refuse_billing_history_change()",
        ),
        InstallSql(
            "billing", "triggers", "refuse_payment_change", drop="public.refuse_payment_change()"
        ),
    ]
