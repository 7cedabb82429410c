"""A charge inserts its row by VALUES: from a SELECT, a cluster writes it to a file first and reads it back."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

ARGUMENTS = "uuid, uuid, uuid, bigint, bigint, text, text, text, jsonb, text, bytea, text"


class Migration(migrations.Migration):
    dependencies = [("credits", "0029_deduct_many_v02")]

    operations = [
        InstallSql(
            "credits",
            "functions",
            "deduct_credits",
            version=3,
            drop=f"public.deduct_credits({ARGUMENTS})",
        )
    ]
