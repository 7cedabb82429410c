from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_append_only"),
        ("credits", "0001_initial"),
        ("organizations", "0001_initial"),
    ]

    operations = [
        InstallSql("billing", "views", "v_org_billing_summary", drop="public.v_org_billing_summary")
    ]
