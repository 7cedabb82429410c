"""Every unique constraint of the ledger's tables refuses a second row like the first, whoever writes it."""

import uuid

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from organizations.models import Organization, User
from tests.mutants.catalogue import is_key
from tests.verification.possible import rows

OTHER = "00000000-0000-7000-8000-000000000000"

#: Constraint -> the right row that is written twice, with what it needs to fall under the constraint.
TWICE: dict[str, tuple[str, dict[str, object]]] = {
    "allocation_org_user_uniq": ("allocation", {}),
    "answer_org_operation_key_uniq": ("answer", {}),
    "billing_details_org_id_key": ("details", {}),
    "episode_one_open": ("episode", {}),
    "hold_org_key_uniq": ("pending", {"idempotency_key": "k", "body_hash": b"h"}),
    "invoices_org_id_number_key": ("invoice", {"payment_id": OTHER}),
    "invoices_org_id_payment_id_key": ("invoice", {"number": 99}),
    "journal_one_refresh_a_period": ("refresh", {}),
    "journal_one_reset_a_period": ("reset", {}),
    "journal_org_key_uniq": ("grant", {"idempotency_key": "k", "body_hash": b"h"}),
    "org_billing_history_org_id_key_key": (
        "event",
        {"idempotency_key": "k", "operation": "x", "body_hash": b"h"},
    ),
    "organization_subscriptions_one_live_key": ("subscription", {}),
    "overage_once_a_period": ("overage", {}),
    "payment_attempts_number_key": ("attempt", {"status": "failed"}),
    "payment_attempts_one_open_key": ("attempt", {}),
    "payment_attempts_one_success_key": ("attempt", {"status": "succeeded", "reference": "pi_1"}),
    "payment_attempts_reference_key": ("attempt", {"status": "failed", "reference": "pi_1"}),
    "payment_customers_customer_key": ("customer", {}),
    "payment_customers_org_id_provider_key": ("customer", {}),
    "payment_webhook_events_event_key": ("webhook", {}),
    "payments_org_id_event_id_key": ("payment", {}),
    "price_service_effective_uniq": ("price", {"version": 99}),
    "price_service_version_uniq": ("price", {"effective_from": "2001-01-01T00:00:00Z"}),
    "refusal_once_a_day": ("refusal", {}),
    "usage_org_key_uniq": ("charge", {"idempotency_key": "k", "body_hash": b"h"}),
}

#: What the second row has of its own where another constraint would refuse it first.
APART: dict[str, dict[str, object]] = {
    "payment_attempts_one_open_key": {"number": 2},
    "payment_attempts_one_success_key": {"number": 2, "reference": "pi_2"},
    "payment_attempts_reference_key": {"number": 2},
    "payment_customers_customer_key": {"org_id": uuid.UUID(int=1)},
}


def test_every_unique_constraint_is_here() -> None:
    declared = {
        constraint.name
        for app in ("credits", "billing")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and not is_key(constraint)
    }
    assert set(TWICE) == declared


@pytest.mark.django_db
@pytest.mark.parametrize("name", TWICE)
def test_a_second_row_is_refused(alpha: Organization, alice: User, name: str) -> None:
    row, columns = TWICE[name]
    first = rows(alpha, alice)[row]
    values = {
        field.column: field.value_from_object(first)
        for field in first._meta.concrete_fields
        if not field.generated and not field.primary_key
    } | columns
    table, key = first._meta.db_table, first._meta.pk
    if not name.startswith(("price", "invoices")):
        # The first one, as the constraint is concerned with it.
        changes = ", ".join(f"{column} = %s" for column in columns)
        with connection.cursor() as cursor:
            if changes:
                cursor.execute(
                    f"UPDATE {table} SET {changes} WHERE {key.column} = %s",
                    [*columns.values(), first.pk],
                )
    values, columns = values | APART.get(name, {}), columns | APART.get(name, {})
    names = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    prepared = [
        field.get_db_prep_save(values[field.column], connection)
        if field.column not in columns
        else values[field.column]
        for field in first._meta.concrete_fields
        if field.column in values
    ]
    new_key = "gen_random_uuid()" if isinstance(key, models.UUIDField) else "999999"
    with (
        pytest.raises(IntegrityError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"INSERT INTO {table} ({key.column}, {names}) VALUES ({new_key}, {places})", prepared
        )
    assert isinstance(caught.value.__cause__, psycopg.errors.UniqueViolation)
    assert caught.value.__cause__.diag.constraint_name == name
