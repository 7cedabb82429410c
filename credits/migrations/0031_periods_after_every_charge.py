"""A changed period begins after every charge: one of a clock that was set back since could not be refunded."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

FUNCTIONS = (
    ("change_reset_period", 2, "uuid, uuid, uuid, text, text"),
    (
        "allocate_credits_to_user",
        4,
        "uuid, uuid, uuid, uuid, uuid, bigint, text, boolean, text, text, text, bytea, text",
    ),
)


class Migration(migrations.Migration):
    dependencies = [("credits", "0030_charge_by_plain_insert")]

    operations = [
        InstallSql(
            "credits", "functions", name, version=version, drop=f"public.{name}({arguments})"
        )
        for name, version, arguments in FUNCTIONS
    ]
