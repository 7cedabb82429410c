"""A capture or refund with a key is one call: its usage row answers whoever repeats it."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

CAPTURE_ONCE = "uuid, uuid, uuid, uuid, bigint, boolean, jsonb, bytea, text, text, bytea, text"
REFUND = "uuid, uuid, uuid, uuid, uuid, bigint, jsonb, text, text, text, bytea, text, boolean"
FUNCTIONS = (
    ("capture_hold", 3, f"{CAPTURE_ONCE}, boolean"),
    ("capture_hold_once", 1, CAPTURE_ONCE),
    ("refund_usage", 3, REFUND),
    ("refund_usage_once", 1, REFUND),
)


class Migration(migrations.Migration):
    dependencies = [("credits", "0031_periods_after_every_charge")]

    operations = [
        InstallSql(
            "credits", "functions", name, version=version, drop=f"public.{name}({arguments})"
        )
        for name, version, arguments in FUNCTIONS
    ]
