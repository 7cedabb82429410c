"""Every CHECK of the ledger's tables refuses what it is there for, whoever writes the row."""

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from organizations.models import Organization, User
from tests.verification.impossible import IMPOSSIBLE
from tests.verification.possible import rows


def ours() -> set[str]:
    """The CHECKs that the models of the ledger declare."""
    return {
        constraint.name
        for app in ("credits", "billing")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
    }


def test_every_check_has_a_row_that_breaks_it() -> None:
    assert set(IMPOSSIBLE) == ours()


@pytest.mark.django_db
@pytest.mark.parametrize("check", IMPOSSIBLE)
def test_a_row_that_breaks_a_check_is_refused(alpha: Organization, alice: User, check: str) -> None:
    right = rows(alpha, alice)
    refused_by = [refusal(right[row], changes) for row, changes in IMPOSSIBLE[check]]
    assert refused_by == [check] * len(refused_by)


def refusal(right: models.Model, changes: dict[str, object]) -> str | None:
    """The CHECK that refuses a right row with these changes; None when it passes."""
    assignments = ", ".join(f"{column} = {value}" for column, value in changes.items())
    key = {field.column: field.value_from_object(right) for field in right._meta.pk_fields}
    row = " AND ".join(f"{column} = %s" for column in key)
    update = f"UPDATE {right._meta.db_table} SET {assignments} WHERE {row}"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(update, [*key.values()])
            assert cursor.rowcount == 1, "there is no such row"
            transaction.set_rollback(True)
    except IntegrityError as exc:
        return exc.__cause__.diag.constraint_name
    return None
