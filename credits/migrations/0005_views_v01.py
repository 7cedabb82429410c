"""The ledger's views."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0004_guards_v01"), ("organizations", "0001_initial")]

    operations = [
        InstallSql("credits", "views", name, drop=f"public.{name}")
        for name in (
            "v_user_credit_status",
            "v_org_member_allocations",
            "v_credit_usage_by_service",
        )
    ]
