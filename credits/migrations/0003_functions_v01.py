"""The ledger's functions."""

from django.db import migrations

from orgbilling.lib.sqlfiles import InstallSql

CHARGE = "bigint, bigint, text, text, text, jsonb, text, bytea, text"


class Migration(migrations.Migration):
    dependencies = [("credits", "0002_composite_keys")]

    operations = [
        InstallSql("credits", "functions", "billing_now", drop="public.billing_now()"),
        InstallSql(
            "credits",
            "functions",
            "period_boundary",
            drop="public.period_boundary(timestamptz, text, text, timestamptz)",
        ),
        InstallSql(
            "credits",
            "functions",
            "price_of_service",
            drop="public.price_of_service(text, text, timestamptz)",
        ),
        InstallSql(
            "credits",
            "functions",
            "add_credits_to_pool",
            drop="public.add_credits_to_pool(uuid, uuid, uuid, bigint, text, numeric, text, text, text, bytea, text)",
        ),
        InstallSql(
            "credits",
            "functions",
            "reset_allocation_if_due",
            drop="public.reset_allocation_if_due(uuid, uuid, uuid, timestamptz, text, text)",
        ),
        InstallSql(
            "credits",
            "functions",
            "allocate_credits_to_user",
            drop="public.allocate_credits_to_user(uuid, uuid, uuid, uuid, uuid, bigint, text, boolean, text, text, text, "
            "bytea, text)",
        ),
        InstallSql(
            "credits",
            "functions",
            "deduct_credits",
            drop=f"public.deduct_credits(uuid, uuid, uuid, {CHARGE})",
        ),
        InstallSql(
            "credits",
            "functions",
            "deduct_credits_with_pool",
            drop=f"public.deduct_credits_with_pool(uuid, uuid, uuid, uuid, {CHARGE})",
        ),
        InstallSql(
            "credits",
            "functions",
            "has_sufficient_credits",
            drop="public.has_sufficient_credits(uuid, uuid, bigint)",
        ),
        InstallSql(
            "credits",
            "functions",
            "close_allocation",
            drop="public.close_allocation(uuid, uuid, uuid, text, text, text)",
        ),
    ]
