"""The functions by which an organization of another system is brought in with its history."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql


def function(name, arguments):
    return InstallSql("credits", "functions", name, version=1, drop=f"public.{name}({arguments})")


class Migration(migrations.Migration):
    dependencies = [("credits", "0017_tell_of_events")]

    operations = [
        function(
            "import_pool",
            "uuid, uuid, uuid, uuid, bigint, bigint, bigint, numeric, timestamptz, text, text, text, text",
        ),
        function(
            "import_allocation",
            "uuid, uuid, uuid, uuid, bigint, bigint, text, timestamptz, boolean, timestamptz, text, text, text, text",
        ),
        function("import_usage", "uuid, text, jsonb"),
        function("import_departure", "uuid, uuid, uuid, text, text, text"),
    ]
