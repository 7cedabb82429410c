"""A ledger in which everything has happened at least once, by the ledger's own means."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from billing.invoicing import issue_missing
from billing.purchase import Parcel, buy_on_account
from billing.subscribing import Order, subscribe
from credits.deducting import deduct
from credits.departure import remove_member
from credits.functions import Charge
from credits.holding import HoldOrder, capture, place, release
from credits.models import Allocation, CreditPool, Hold, JournalEntry, Usage
from credits.refunding import refund
from organizations.models import Organization, User
from orgbilling.lib.clock import now, simulated
from tests.factories import as_principal, make_member
from tests.ledger import ORIGIN, charge, fund, give


def priced(org: Organization, user: User, quantity: int, key: str) -> Charge:
    """A charge by the catalogue."""
    return charge(org, user, 1, key)._replace(
        service_name="contact_lookup", credits=None, quantity=quantity
    )


def hold(
    org: Organization, user: User, credits: int, seconds: int = 900, key: str | None = None
) -> Hold:
    """Credits set aside."""
    placed = place(HoldOrder(charge(org, user, credits, key), seconds))
    return placed.hold


def capture_of(
    one: Hold, credits: int | None = None, *, final: bool = True, word: str = "c"
) -> Usage:
    """A part of it, or the rest."""
    return capture(
        org_id=one.org_id,
        hold_id=one.pk,
        credits=credits,
        final=final,
        body_hash=word.encode(),
        origin=ORIGIN,
    ).usage


def release_of(one: Hold) -> None:
    release(org_id=one.org_id, hold_id=one.pk, body_hash=b"r", origin=ORIGIN)


def refund_of(org: Organization, usage_id: UUID, credits: int | None = None) -> Usage:
    return refund(org_id=org.pk, usage_id=usage_id, credits=credits, reason="test", origin=ORIGIN)


@dataclass(frozen=True)
class Story:
    """Who and when."""

    org: Organization
    alice: User
    bob: User
    carol: User
    began: datetime


@contextmanager
def day(story_began: datetime, number: int) -> Iterator[None]:
    with simulated(story_began + timedelta(days=number)):
        yield


def tell(org: Organization, alice: User, bob: User) -> Story:
    """Seventy days: grants, refreshes, allocations, charges, holds, refunds, resets, overage, a departure."""
    began = now().replace(microsecond=0) - timedelta(days=70)
    with day(began, 0):
        subscribe(organization=org, order=Order(plan="platform"), origin=ORIGIN)
        CreditPool.objects.change_settings(
            org_id=org.pk, allow_overage=True, overage_limit=500, monthly_refresh_amount=100
        )
        fund(org, 1_900)
        buy_on_account(organization=org, parcel=Parcel(100), origin=ORIGIN)
        give(org, alice, 1_000)
        give(org, bob, 500)
        carol = make_member(org).user
        give(org, carol, 200)
    with day(began, 1):
        first = deduct(charge(org, alice, 400, "first")).charged
        deduct(priced(org, bob, 3, "priced"))
        job = hold(org, alice, 100, key="job")
        capture_of(job, 30, final=False)
        capture_of(job, 20)
        release_of(hold(org, alice, 50))
        hold(org, bob, 40)
        refund_of(org, first.usage_id, 50)
        Allocation.objects.reclaim(org_id=org.pk, user_id=alice.pk, credits=25, origin=ORIGIN)
    with day(began, 2):
        # Bob's hold has elapsed, and nobody has settled it but his next charge that needs it.
        deduct(charge(org, bob, 470))
    with day(began, 40):
        deduct(charge(org, alice, 10))
        refund_of(org, first.usage_id, 20)
        spare = CreditPool.objects.get(org=org).available_credits
        give(org, alice, spare - 5, recurring=False)
        left = Allocation.objects.get(org=org, user=bob).remaining_credits
        over = deduct(charge(org, bob, left + 25, "over")).charged
        refund_of(org, over.usage_id, 10)
        hold(org, bob, 30)
    with day(began, 41):
        hold(org, alice, 60, seconds=86_400)
        deduct(charge(org, carol, 5))
        remove_member(org_id=org.pk, user_id=carol.pk, by=as_principal(alice), request_id="test")
    hold(org, alice, 15, key="open")
    issue_missing(org.pk)
    return Story(org, alice, bob, carol, began)


def kinds(org: Organization) -> tuple[set[str], set[str], set[str]]:
    """The kinds of rows there are: of the journal, of usage, of holds."""
    return (
        set(JournalEntry.objects.filter(org=org).values_list("kind", flat=True)),
        set(Usage.objects.filter(org=org).values_list("operation", flat=True)),
        set(Hold.objects.filter(org=org).values_list("status", flat=True)),
    )
