"""The view of elapsed holds no longer leans on the pools' primary key, which ``manage.py distribute`` replaces."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


class Migration(migrations.Migration):
    dependencies = [("credits", "0026_roll_up_usage")]

    operations = [
        InstallSql("credits", "views", "v_elapsed_holds", version=2, drop="public.v_elapsed_holds"),
    ]
