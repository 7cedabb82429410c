"""Guards of what is new, and the views that count expired holds as released."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0010_functions_v02")]

    operations = [
        InstallSql("credits", "triggers", "refuse_loose_row", drop="public.refuse_loose_row()"),
        InstallSql("credits", "triggers", "refuse_hold_change", drop="public.refuse_hold_change()"),
        InstallSql("credits", "triggers", "refuse_past_change", drop="public.refuse_past_change()"),
        InstallSql("credits", "views", "v_elapsed_holds", drop="public.v_elapsed_holds"),
        InstallSql(
            "credits",
            "views",
            "v_user_credit_status",
            version=2,
            drop="public.v_user_credit_status",
        ),
        InstallSql(
            "credits",
            "views",
            "v_org_member_allocations",
            version=2,
            drop="public.v_org_member_allocations",
        ),
    ]
