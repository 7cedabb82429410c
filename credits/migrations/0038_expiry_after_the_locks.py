"""Whether a hold has expired is decided once its locks are had: no request is refused that its own first try passed."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

CAPTURE = "uuid, uuid, uuid, uuid, bigint, boolean, jsonb, bytea, text, text, bytea, text, boolean"
FUNCTIONS = (
    ("capture_hold", 4, CAPTURE),
    ("release_hold", 2, "uuid, uuid, bytea, text, text, boolean"),
)


class Migration(migrations.Migration):
    dependencies = [("credits", "0037_taken_keys_by_the_key")]

    operations = [
        InstallSql(
            "credits", "functions", name, version=version, drop=f"public.{name}({arguments})"
        )
        for name, version, arguments in FUNCTIONS
    ]
