"""The cast that every test knows.

Test Org Alpha with Alice, its owner, and Bob, a member; Globex with Charlie, its owner and a
stranger to Alpha; a system admin; a key of all organizations and one of each.
"""

import logging
from collections.abc import Callable, Generator
from typing import Any

import pytest
import pytest_django
from django.db import connection, connections
from pytest_django.fixtures import Settings

from organizations.choices import Role
from organizations.models import Member, Organization, User
from orgbilling.lib.logs.handling import LineHandler
from orgbilling.web.apps import RATES
from tests import redis_server
from tests.api_client import ApiClient
from tests.factories import make_key, make_organization, make_user
from tests.ledger import fund, give, let_spend

# Filled by migrations, and read by every test: tests that commit leave them alone.
CATALOGUES = frozenset({"plans", "service_catalogue", "service_prices"})
# Django's flush passes over tables that it doesn't manage.
FORGET_JOBS = "TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE"


def pytest_report_header() -> str:
    """Say so when the tests that need Redis aren't there; in CI they are there, and fail without it."""
    there = redis_server.is_expected()
    return f"limits in Redis: {'tested' if there else 'NOT tested, redis-server is not installed'}"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Generator[None]:
    """Empty the tables after a test that commits, the append-only ones too, but no catalogue."""
    flush = connection.ops.sql_flush

    def flush_all_but_catalogues(style: Any, tables: list[str], **options: Any) -> list[str]:
        emptied = [table for table in tables if table not in CATALOGUES]
        allow = "SELECT set_config('orgbilling.truncate', 'allowed', true)"
        return [allow, FORGET_JOBS, *flush(style, emptied, **options)]

    connection.ops.sql_flush = flush_all_but_catalogues
    yield
    # Its pool is not the one that Django closes before it drops the database.
    with django_db_blocker.unblock():
        connections["counters"].close()
        connections["counters"].close_pool()


@pytest.fixture(autouse=True, scope="session")
def quiet() -> None:
    """Leave what is logged to pytest, which shows it for what fails: a handler's thread writes past that."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, LineHandler)]:
        root.removeHandler(handler)


@pytest.fixture(autouse=True)
def unlimited(settings: Settings) -> None:
    """No rate limits, except in tests that set some."""
    for name in RATES:
        setattr(settings, name, "")


@pytest.fixture
def alice(db: None) -> User:
    """Owner of Alpha."""
    return make_user("alice@example.com", "Alice")


@pytest.fixture
def bob(db: None) -> User:
    """Member of Alpha, when `alpha` is asked for."""
    return make_user("bob@example.com", "Bob")


@pytest.fixture
def charlie(db: None) -> User:
    """Owner of Globex, stranger to Alpha."""
    return make_user("charlie@example.com", "Charlie")


@pytest.fixture
def system_admin(db: None) -> User:
    """Somebody who may do everything and belongs to no organization."""
    return make_user("root@example.com", "Root", is_staff=True, is_superuser=True)


@pytest.fixture
def alpha(alice: User, bob: User) -> Organization:
    """Test Org Alpha: Alice owns it, Bob is a member."""
    organization = make_organization("test-org-alpha", "Test Org Alpha", owner=alice)
    Member.objects.create(org=organization, user=bob, role=Role.MEMBER)
    return organization


@pytest.fixture
def funded(alpha: Organization, alice: User, bob: User) -> Organization:
    """Alpha with 10,000 credits: 1,000 for Alice, 500 for Bob; 8,500 are available."""
    fund(alpha, 10_000)
    let_spend(alpha)
    give(alpha, alice, 1_000)
    give(alpha, bob, 500)
    return alpha


@pytest.fixture
def globex(charlie: User) -> Organization:
    """Globex: Charlie owns it."""
    return make_organization("globex", "Globex", owner=charlie)


@pytest.fixture
def system_key(db: None) -> str:
    """Plain text of a key of all organizations with every scope."""
    return make_key(None, name="platform")[1]


@pytest.fixture
def alpha_key(alpha: Organization) -> str:
    """Plain text of a key bound to Alpha with every scope."""
    return make_key(alpha, name="alpha service")[1]


@pytest.fixture
def globex_key(globex: Organization) -> str:
    """Plain text of a key bound to Globex with every scope."""
    return make_key(globex, name="globex service")[1]


@pytest.fixture
def client_for(db: None) -> Callable[[User | str | None], ApiClient]:
    """A maker of API clients: for a user (by session), for a key's plain text, for nobody."""

    def make(caller: User | str | None = None) -> ApiClient:
        if isinstance(caller, User):
            return ApiClient(user=caller)
        return ApiClient(token=caller)

    return make
