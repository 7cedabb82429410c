"""What waits for an import, and for how long."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from organizations.models import User
from orgbilling.importing import running
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.lib import transactions
from orgbilling.lib.errors import DatabaseUnavailable
from tests.importing.conftest import Predecessor, statements

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def another() -> Iterator[BaseDatabaseWrapper]:
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def test_of_two_imports_at_once_one_is_refused(migration_files: Predecessor) -> None:
    migration_files.execute(statements("cast"))
    with another() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [running.LOCK])
        with pytest.raises(ImportRefusedError, match="Another import is at work"):
            migration_files.import_(apply=False)


def test_who_is_invited_meanwhile_waits_for_a_bounded_time() -> None:
    importing = "INSERT INTO users (id, email, password, name, is_active, is_staff, is_superuser, created_at)"
    with another() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            f"{importing} VALUES (gen_random_uuid(), 'ann@acme.example', '!', '', true, false, false, now())"
        )
        with transaction.atomic(), connection.cursor() as mine:
            mine.execute("SET lock_timeout = '50ms'")
        try:
            with pytest.raises(DatabaseUnavailable):
                transactions.run(lambda: User.objects.invite("ann@acme.example"))
        finally:
            connection.close()
        cursor.execute("ROLLBACK")
