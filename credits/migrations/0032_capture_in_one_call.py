"""A capture with a key is one call: its usage row answers whoever repeats it."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

ONCE = "uuid, uuid, uuid, uuid, bigint, boolean, jsonb, bytea, text, text, bytea, text"


class Migration(migrations.Migration):
    dependencies = [("credits", "0031_periods_after_every_charge")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "capture_hold",
            version=3,
            drop=f"public.capture_hold({ONCE}, boolean)",
        ),
        InstallSql(
            "credits", "functions", "capture_hold_once", drop=f"public.capture_hold_once({ONCE})"
        ),
    ]
