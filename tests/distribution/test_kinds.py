"""Every table and function of the schema has a place on a cluster, decided by rules."""

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from orgbilling.distribution.catalogue import functions, tables
from orgbilling.distribution.kinds import (
    FunctionKind,
    TableKind,
    called_first,
    kinds_of_functions,
    kinds_of_tables,
    obstacles,
    reads_inside,
)
from orgbilling.distribution.spreading import _statements
from orgbilling.roles.rules import ENTRANCES

pytestmark = pytest.mark.django_db

REFERENCE = {
    "organizations",
    "users",
    "organization_members",
    "plans",
    "service_catalogue",
    "service_prices",
}
LEDGER = {
    "organization_credit_pools",
    "user_credit_allocations",
    "credit_usage_attribution",
    "credit_journal",
    "credit_holds",
    "credit_refusals",
    "idempotency_answers",
    "overage_periods",
    "organization_subscriptions",
    "org_billing_history",
    "payments",
    "webhook_events",
    "webhook_deliveries",
}


def kinds():
    return kinds_of_tables(tables(connection), functions(connection))


def test_every_table_has_a_kind():
    found = kinds()
    assert set(found) == {table.name for table in tables(connection)}
    assert {name for name, kind in found.items() if kind is TableKind.REFERENCE} == REFERENCE
    assert {name for name, kind in found.items() if kind is TableKind.DISTRIBUTED} >= LEDGER


def test_everything_that_must_name_an_organization_is_cut_or_says_why_not():
    found = kinds()
    loose = {t.name for t in tables(connection) if t.belongs} - {
        name for name, kind in found.items() if kind is TableKind.DISTRIBUTED
    }
    # Read by person; looked up by the provider's id, which is unique among all.
    assert loose == {"organization_members", "payment_customers"}


def test_every_entrance_that_begins_with_an_organization_is_delegated():
    listed = functions(connection)
    found = kinds_of_functions(listed)
    assert set(found) == {one.signature for one in listed}
    delegated = {one.name for one in listed if found[one.signature] is FunctionKind.DELEGATED}
    assert {one.name for one in listed if one.first == "p_org_id"} == delegated
    assert {name for name in ENTRANCES if name != "deduct_many"} <= delegated


def test_what_the_ledgers_functions_call_is_everywhere_and_made_first():
    listed = functions(connection)
    found = {one.name: kinds_of_functions(listed)[one.signature] for one in listed}
    assert found["billing_now"] is FunctionKind.EVERYWHERE
    order = [one.name for one in called_first(listed)]
    assert sorted(order) == sorted({one.name for one in listed})
    assert order.index("period_boundary") < order.index("next_period_boundary")
    (price,) = [one for one in listed if one.name == "price_of_service"]
    assert reads_inside(price, FunctionKind.EVERYWHERE, kinds())


def test_nothing_is_in_the_way():
    assert list(obstacles(tables(connection), functions(connection))) == []


def test_a_unique_key_without_the_organization_is_in_the_way_and_said():
    spoiled = [
        replace(one, keys=(*one.keys, frozenset({"request_id"})))
        if one.name == "credit_usage_attribution"
        else one
        for one in tables(connection)
    ]
    said = " ".join(obstacles(spoiled, functions(connection)))
    assert "deduct_credits writes credit_usage_attribution" in said
    assert "begin each of its unique keys with it" in said


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_one_postgresql_is_refused_with_what_is_missing(options):
    with pytest.raises(CommandError, match="has no Citus"):
        call_command("distribute", *options)


def test_a_number_of_shards_out_of_range_is_refused():
    with pytest.raises(CommandError, match="1 to 4096"):
        call_command("distribute", "--shards", "0")


def test_a_delegated_function_is_told_once_to_plan_anew():
    (charge,) = [one for one in functions(connection) if one.name == "deduct_credits"]
    told = list(_statements(charge, FunctionKind.DELEGATED, {charge.signature: True}, kinds()))
    assert [one.as_string() for one in told] == [
        f"ALTER FUNCTION {charge.signature} SET plan_cache_mode = force_custom_plan"
    ]
    again = replace(charge, settings=("plan_cache_mode",))
    assert not list(_statements(again, FunctionKind.DELEGATED, {charge.signature: True}, kinds()))


def test_a_primary_key_counts_unless_it_is_the_id_alone():
    keys = {table.name: table.keys for table in tables(connection)}
    assert keys["credit_usage_rollups"] == (frozenset({"org_id"}),)
    assert frozenset({"id"}) not in keys["credit_journal"]
    assert frozenset({"key"}) in keys["rate_counters"]


def test_charging_inserts_what_a_worker_plans_for_one_shard():
    # From a SELECT, Citus writes the row to a file and reads it back: twice the worker's time.
    (charge,) = [one for one in functions(connection) if one.name == "deduct_credits"]
    written = charge.body.split("INSERT INTO public.credit_usage_attribution", 1)[1]
    assert written.split(")", 1)[1].strip().startswith("VALUES")


def test_a_batch_asks_for_a_price_once_a_service_and_lets_foreign_keys_keep_their_plan():
    # On a cluster the function is called for every row of a join, and each statement inside is planned anew.
    (batch,) = [one for one in functions(connection) if one.name == "deduct_batch"]
    before, _, after = batch.body.partition("FOR NO KEY UPDATE")
    assert "price_of_service" in before
    assert "price_of_service" not in after
    assert after.index("set_config('plan_cache_mode', 'auto', true)") < after.index("INSERT INTO")
