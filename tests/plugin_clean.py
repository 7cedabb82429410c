"""Makes tests independent of one another: no shared rate limits, and empty tables after a test that commits.

Django's own flush would empty the catalogues too, which migrations fill, and the ledger refuses TRUNCATE to
everybody who doesn't say the word.
"""

import os
from typing import Any

import pytest
from django.db import connections
from django.test import TransactionTestCase

CATALOGUES = {
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
    "plans",
    "service_catalogue",
    "service_prices",
}

# Limits are tested where they are the subject; everywhere else a test may call as often as it likes.
for name in ("RATE_LIMIT_WRITES", "RATE_LIMIT_READS", "RATE_LIMIT_SERVICE"):
    os.environ[name] = ""


def empty_tables(test: Any) -> None:
    """Stands in for ``TransactionTestCase._fixture_teardown``."""
    for alias in test._databases_names(include_mirrors=False):
        connection = connections[alias]
        tables = sorted(set(connection.introspection.table_names()) - CATALOGUES)
        names = ", ".join(connection.ops.quote_name(table) for table in tables)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('orgbilling.truncate', 'allowed', false)")
            cursor.execute(f"TRUNCATE {names} RESTART IDENTITY")
            cursor.execute("SELECT set_config('orgbilling.truncate', '', false)")


@pytest.fixture(scope="session", autouse=True)
def _keep_catalogues() -> None:
    TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined]
