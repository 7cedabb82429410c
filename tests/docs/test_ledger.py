"""docs/ledger.md says what the code says, and its equations hold."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models

from billing.entitlement import SPENDING_UNTIL
from billing.subscribing import Order, subscribe
from billing.verification import BILLING
from credits.choices import TRANSFERS, JournalKind
from credits.deducting import deduct
from credits.departure import remove_member
from credits.errors import InsufficientCredits
from credits.functions import Origin
from credits.models import Allocation, CreditPool
from credits.verification import LEDGER
from organizations.models import Organization, User
from orgbilling.lib import sqlstate
from orgbilling.lib.clock import now, simulated
from orgbilling.web.errors import STATUS
from tests.docs.markdown import ROOT, blocks, codes, rows, section
from tests.factories import as_principal
from tests.ledger import charge

PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
APPS = ("organizations", "credits", "billing")
STATES = re.compile(r"\b(?:OB\d{3}|\d{5})\b")
ORIGIN = Origin("system", "docs")


def table(heading: str) -> list[list[str]]:
    return list(rows(section(PAGE, heading)))


def sql_files(kind: str) -> Iterator[Path]:
    for app in APPS:
        yield from sorted((ROOT / app / "sql" / kind).glob("*.sql"))


def named_first(heading: str) -> list[str]:
    return [name for row in table(heading) for name in codes(row[0])]


def header(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("--").strip() for line in lines if line.startswith("--"))


def our_models(*, managed: bool) -> set[str]:
    return {
        model._meta.db_table
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed is managed
    }


def test_every_table_is_described() -> None:
    assert sorted(named_first("## Tables")) == sorted(our_models(managed=True))


def test_every_view_is_described() -> None:
    assert sorted(named_first("## Views")) == sorted(our_models(managed=False))


def test_the_movements_are_those_of_the_journal() -> None:
    documented = {
        tuple(code for cell in row for code in codes(cell)) for row in table("## Buckets")[5:]
    }
    assert documented == {(kind.value, *map(str, way)) for kind, way in TRANSFERS.items()}
    assert len(documented) == len(JournalKind)


def test_the_columns_are_those_of_an_allocation() -> None:
    columns = {field.column for field in Allocation._meta.get_fields() if hasattr(field, "column")}
    assert set(named_first("## An allocation")) <= columns


def test_every_function_is_described_with_its_locks_and_errors() -> None:
    documented = {
        codes(name)[0]: (locks, set(STATES.findall(errors)))
        for name, _does, locks, errors in table("## Functions")
    }
    coded = {}
    for path in sql_files("functions"):
        locks, errors = re.findall(r"Locks: (.+?)\. Errors: (.+)", header(path))[0]
        coded[re.sub(r"_v\d\d$", "", path.stem)] = (locks, set(STATES.findall(errors)))
    assert documented == coded


def test_every_trigger_is_described_with_its_error() -> None:
    documented = {
        name: set(STATES.findall(row[2])) for row in table("## Triggers") for name in codes(row[0])
    }
    coded = {}
    for path in sql_files("triggers"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"CREATE TRIGGER (\w+)", text):
            coded[name] = set(re.findall(r"ERRCODE = '(OB\d{3})'", text))
    assert documented == coded


def test_every_refusal_is_described_with_its_code_and_status() -> None:
    documented = {
        state: (codes(code)[0], int(status))
        for state, code, status, _means in table("## What a refusal means")
    }
    coded = {}
    for state in sqlstate.registered():
        code = sqlstate._BY_SQLSTATE[state].code
        coded[state] = (code, STATUS[code])
    assert documented == coded
    assert STATUS[InsufficientCredits.code] == 402


def test_every_status_of_a_subscription_is_described() -> None:
    assert named_first("## What a subscription lets spend") == [str(one) for one in SPENDING_UNTIL]


def test_every_check_is_described() -> None:
    documented = {codes(name)[0]: says for name, says in table("## Equations")}
    assert documented == {check.name: check.says for check in (*LEDGER, *BILLING)}


EQUATIONS = [block.text for block in blocks(section(PAGE, "## Equations"))]


def violations() -> list[int]:
    found = []
    with connection.cursor() as cursor:
        for query in EQUATIONS:
            cursor.execute(query)
            found.append(len(cursor.fetchall()))
    return found


@pytest.fixture
def story(transactional_db: None, alpha: Organization, alice: User, bob: User) -> Organization:
    """Credits bought, given, spent, reset and left behind."""
    months_ago = now() - timedelta(days=70)
    with simulated(months_ago):
        subscribe(organization=alpha, order=Order(plan="platform"), origin=ORIGIN)
        CreditPool.objects.add(
            org_id=alpha.pk,
            credits=2_000,
            kind=JournalKind.GRANT,
            purchase_amount=0,
            actor="system",
            request_id="docs",
        )
        for user, credits in ((alice, 1_000), (bob, 500)):
            Allocation.objects.allocate(
                org_id=alpha.pk, user_id=user.pk, credits=credits, origin=ORIGIN
            )
        deduct(charge(alpha, alice, 400))
        deduct(charge(alpha, bob, 450))
    deduct(charge(alpha, alice, 50))
    deduct(charge(alpha, bob, 1))
    remove_member(org_id=alpha.pk, user_id=bob.pk, by=as_principal(alice), request_id="docs")
    return alpha


def test_the_equations_hold_through_purchase_use_reset_and_departure(story: Organization) -> None:
    assert len(EQUATIONS) == 4
    pool = CreditPool.objects.of(story.pk)
    used = 400 + 450 + 50 + 1
    alice, bob = Allocation.objects.filter(org=story).order_by("user__email")
    # Alice was filled up to 1,000 again; Bob got the 100 that the pool still had, and left 149.
    assert (alice.remaining_credits, bob.remaining_credits) == (950, 0)
    assert (pool.used_credits, pool.available_credits) == (used, 2_000 - used - 950)
    assert violations() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("model", "change", "found"),
    [
        (CreditPool, {"total_credits": models.F("total_credits") + 1}, [0, 1, 0, 0]),
        (CreditPool, {"allocated_credits": models.F("allocated_credits") + 1}, [1, 1, 0, 0]),
        (Allocation, {"lifetime_used_credits": 5_000}, [1, 0, 2, 0]),
        (Allocation, {"remaining_credits": 7}, [1, 0, 0, 2]),
    ],
)
def test_the_equations_find_a_forged_balance(
    story: Organization, model: type[models.Model], change: dict[str, object], found: list[int]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orgbilling.door', 'open', false)")
        try:
            model._default_manager.filter(org=story).update(**change)
        finally:
            cursor.execute("SELECT set_config('orgbilling.door', '', false)")
    assert violations() == found
