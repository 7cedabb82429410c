"""The conventions of the SQL files and of the ledger's tables."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from orgbilling.lib import sqlstate
from orgbilling.lib.sqlfiles import InstallSql

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("organizations", "credits", "billing")
FILES = sorted(path for app in APPS for path in (ROOT / app / "sql").rglob("*.sql"))
# Small tables that every node of a distributed database may hold whole.
REFERENCE_TABLES = {
    "organizations",
    "users",
    "organization_members",
    "api_keys",
    "payment_customers",
    "plans",
    "service_catalogue",
    "service_prices",
}

# About the ledger as a whole, or from outside, before anybody knows whom it is about.
WITHOUT_ORGANIZATION = {"backup_runs", "ledger_checks", "payment_webhook_events"}


def ledger_models():
    return [
        model
        for app in ("credits", "billing")
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed
        and model._meta.db_table not in REFERENCE_TABLES | WITHOUT_ORGANIZATION
    ]


def operations():
    for (app, _name), migration in MigrationLoader(None).disk_migrations.items():
        if app in APPS:
            yield from migration.operations


def test_every_file_is_installed_by_exactly_one_migration():
    installed = [
        operation.source for operation in operations() if isinstance(operation, InstallSql)
    ]
    named = [(path.parts[-4], path.parts[-2], *split(path)) for path in FILES]
    assert sorted(installed) == sorted(named)


def split(path):
    name, version = re.fullmatch(r"(\w+)_v(\d\d)", path.stem).groups()
    return name, int(version)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_the_object_it_is_named_for_and_says_what_it_does(path):
    text = path.read_text()
    name, _version = split(path)
    assert re.search(rf"CREATE OR REPLACE (FUNCTION|VIEW) public\.{name}\b", text)
    assert text.startswith("-- ")
    if "plpgsql" in text:
        assert "-- Locks: " in text
        assert "Errors: " in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_errors_carry_our_sqlstate_which_python_knows(path):
    text = path.read_text()
    raised = re.findall(r"RAISE EXCEPTION(.*?);", text, re.DOTALL)
    for statement in raised:
        state = re.search(r"ERRCODE = '(OB0\d\d)'", statement)
        assert state, statement
        assert state[1] in sqlstate.registered()
        assert state[1] in text.split("CREATE OR REPLACE")[0], (
            f"{state[1]} is missing in the header"
        )


@pytest.mark.parametrize("model", ledger_models(), ids=lambda model: model._meta.db_table)
def test_every_ledger_table_belongs_to_an_organization(model):
    org = model._meta.get_field("org")
    assert not org.null
    assert org.column == "org_id"
    for constraint in model._meta.constraints:
        if hasattr(constraint, "fields"):
            assert constraint.fields[0] == "org", constraint.name
    for column in model._meta.fields:
        remote = column.remote_field
        if remote is not None and remote.model in ledger_models():
            assert not column.db_constraint, f"{column.name} needs a composite foreign key"


def test_the_tables_the_contract_names_exist():
    tables = {model._meta.db_table for model in apps.get_models()}
    assert tables >= {
        "organization_subscriptions",
        "org_billing_history",
        "organization_credit_pools",
        "user_credit_allocations",
        "credit_usage_attribution",
    }
