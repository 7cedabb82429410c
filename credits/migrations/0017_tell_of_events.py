"""The ledger's functions tell of what they do, in the transaction that does it."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

HOLD = "bigint, bigint, text, text, integer, text, jsonb, text, bytea, text"


def function(name, arguments, version=2):
    return InstallSql(
        "credits", "functions", name, version=version, drop=f"public.{name}({arguments})"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("credits", "0016_what_is_low_already"),
        ("organizations", "0004_webhooks"),
    ]

    operations = [
        function(
            "add_credits_to_pool",
            "uuid, uuid, uuid, bigint, text, numeric, text, text, text, bytea, text",
            version=3,
        ),
        function("refresh_pool_if_due", "uuid, timestamptz, text, text"),
        function(
            "allocate_credits_to_user",
            "uuid, uuid, uuid, uuid, uuid, bigint, text, boolean, text, text, text, bytea, text",
            version=3,
        ),
        function(
            "move_remaining_to_pool",
            "uuid, uuid, uuid, bigint, text, timestamptz, text, text, text, bytea",
        ),
        function("reset_allocation_if_due", "uuid, uuid, uuid, timestamptz, text, text", version=3),
        function(
            "record_refusal", "uuid, uuid, uuid, text, text, text, bigint, bigint, text, text"
        ),
        function(
            "refund_usage",
            "uuid, uuid, uuid, uuid, uuid, bigint, jsonb, text, text, text, bytea, text, boolean",
        ),
        function("place_hold", f"uuid, uuid, uuid, {HOLD}"),
        function("place_hold_with_pool", f"uuid, uuid, uuid, uuid, {HOLD}"),
        function("settle_hold", "uuid, uuid, text, uuid, bytea, timestamptz, text, text"),
        function("expire_holds", "uuid, uuid, timestamptz, text"),
        function(
            "capture_hold",
            "uuid, uuid, uuid, uuid, bigint, boolean, jsonb, bytea, text, text, bytea, text, boolean",
        ),
    ]
