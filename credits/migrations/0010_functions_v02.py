"""The ledger's functions, views and guards with holds, refunds, batches, refreshes and overage."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

CHARGE = "bigint, bigint, text, text, text, jsonb, text, bytea, text"
HOLD = "bigint, bigint, text, text, integer, text, jsonb, text, bytea, text"


def function(name, arguments, version=1):
    return InstallSql(
        "credits", "functions", name, version=version, drop=f"public.{name}({arguments})"
    )


class Migration(migrations.Migration):
    dependencies = [("credits", "0009_validate")]

    operations = [
        function("time_ordered_id", ""),
        function("next_period_boundary", "timestamptz, text, text, timestamptz"),
        function("due_refreshes", "uuid, timestamptz"),
        function("refresh_pool_if_due", "uuid, timestamptz, text, text"),
        function("close_overage_period", "uuid, timestamptz"),
        function(
            "move_remaining_to_pool",
            "uuid, uuid, uuid, bigint, text, timestamptz, text, text, text, bytea",
        ),
        function("settle_hold", "uuid, uuid, text, uuid, bytea, timestamptz, text, text"),
        function("expire_holds", "uuid, uuid, timestamptz, text"),
        function("reset_allocation_if_due", "uuid, uuid, uuid, timestamptz, text, text", version=2),
        function("bring_up_to_date", "uuid, uuid, uuid, uuid, timestamptz, text"),
        function("settle_due", "uuid, integer, text"),
        function("decide_charge", "uuid, uuid, uuid, bigint, bigint, text, timestamptz, text"),
        function("entitled_cost", "uuid, bigint, bigint, text, timestamptz"),
        function("deduct_credits", f"uuid, uuid, uuid, {CHARGE}", version=2),
        function("deduct_credits_with_pool", f"uuid, uuid, uuid, uuid, {CHARGE}", version=2),
        function("deduct_batch", "uuid, jsonb, text"),
        function("deduct_batch_with_pool", "uuid, jsonb, text"),
        function("place_hold", f"uuid, uuid, uuid, {HOLD}"),
        function("place_hold_with_pool", f"uuid, uuid, uuid, uuid, {HOLD}"),
        function(
            "capture_hold",
            "uuid, uuid, uuid, uuid, bigint, boolean, jsonb, bytea, text, text, bytea, text, boolean",
        ),
        function("release_hold", "uuid, uuid, bytea, text, text, boolean"),
        function(
            "refund_usage",
            "uuid, uuid, uuid, uuid, uuid, bigint, jsonb, text, text, text, bytea, text, boolean",
        ),
        function(
            "add_credits_to_pool",
            "uuid, uuid, uuid, bigint, text, numeric, text, text, text, bytea, text",
            version=2,
        ),
        function(
            "allocate_credits_to_user",
            "uuid, uuid, uuid, uuid, uuid, bigint, text, boolean, text, text, text, bytea, text",
            version=2,
        ),
        function("close_allocation", "uuid, uuid, uuid, text, text, text", version=2),
        function(
            "reclaim_credits", "uuid, uuid, uuid, uuid, bigint, text, text, text, bytea, text"
        ),
        function("evaluate_charge", "uuid, uuid, bigint, bigint, text"),
        function("has_sufficient_credits", "uuid, uuid, bigint", version=2),
        function(
            "record_refusal", "uuid, uuid, uuid, text, text, text, bigint, bigint, text, text"
        ),
    ]
