"""Commands about an organization's pool and what its members may spend."""

from typing import Annotated

import typer

from orgbilling_client import Client
from orgbilling_client.cli.arguments import AsJson, Credits, Key, Notes, Org, User, session_of
from orgbilling_client.cli.output import say, show_json, show_pairs, show_table
from orgbilling_client.cli.repeating import repeatable
from orgbilling_client.cli.session import user_id
from orgbilling_client.models.pools import Allocation, Pool

ALLOCATIONS = ("user…", "remaining", "held", "used", "budget", "resets", "active")


def balance(
    context: typer.Context,
    user: Annotated[
        str | None,
        typer.Argument(
            metavar="[USER]",
            help="One member, by e-mail address or id; without it the pool and everybody.",
            show_default=False,
        ),
    ] = None,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Show what the organization's pool and its members have left."""
    with session_of(context).client(org) as client:
        if user is not None:
            _one(client, user_id(client, user), as_json=as_json)
            return
        pool = client.pool()
        rows = list(client.allocations(page_size=500))
    if as_json:
        show_json({"pool": pool, "allocations": rows})
        return
    _show_pool(pool)
    if rows:
        say("")
        show_table(ALLOCATIONS, map(_row, rows))


@repeatable
def add(
    context: typer.Context,
    credits: Credits,
    amount: Annotated[
        str | None,
        typer.Option(metavar="MONEY", help="What was paid, as 100.00.", show_default=False),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", help="Of the amount, as USD.", show_default=False)
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The payment's.", show_default=False)
    ] = None,
    notes: Notes = None,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Add credits to the organization's pool."""
    with session_of(context).client(org) as client:
        added = client.add_credits(
            credits,
            purchase_amount=amount,
            currency=currency,
            reference=reference,
            notes=notes,
            idempotency_key=key,
        )
    if as_json:
        show_json(added)
        return
    event = added.event
    say(f"Added {credits:,} credits: {event.event_type}, {event.amount} {event.currency}.", "green")
    _show_pool(added.pool)


@repeatable
def allocate(
    context: typer.Context,
    user: User,
    credits: Credits,
    reset: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="When it fills up again: daily, weekly, monthly or never.",
            show_default=False,
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Don't raise what later resets fill up to.")
    ] = False,
    notes: Notes = None,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give a member credits of the pool."""
    if reset not in {None, "daily", "weekly", "monthly", "never"}:
        message = f"{reset!r} is no period: daily, weekly, monthly or never."
        raise typer.BadParameter(message)
    with session_of(context).client(org) as client:
        done = client.allocate(
            user_id(client, user),
            credits,
            reset_period=reset,  # type: ignore[arg-type] # one of the four, see above
            recurring=False if once else None,
            notes=notes,
            idempotency_key=key,
        )
    if as_json:
        show_json(done)
        return
    _say_left(done.allocation, done.pool)


@repeatable
def reclaim(
    context: typer.Context,
    user: User,
    credits: Annotated[
        int | None,
        typer.Argument(
            metavar="[CREDITS]", min=1, help="How many; without it all unspent.", show_default=False
        ),
    ] = None,
    notes: Notes = None,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Take a member's unspent credits back to the pool."""
    with session_of(context).client(org) as client:
        done = client.reclaim(user_id(client, user), credits, notes=notes, idempotency_key=key)
    if as_json:
        show_json(done)
        return
    _say_left(done.allocation, done.pool)


def _one(client: Client, user: str, *, as_json: bool) -> None:
    found = client.user_credits(user)
    if as_json:
        show_json(found)
        return
    columns = ("organization…", *ALLOCATIONS[1:])
    show_table(columns, [(one.org_name, *_row(one)[1:]) for one in found.allocations])


def _row(one: Allocation) -> tuple[object, ...]:
    return (
        one.user_email,
        one.remaining_credits,
        one.held_credits,
        one.used_credits,
        one.budget_credits,
        one.reset_period,
        one.is_active,
    )


def _show_pool(pool: Pool) -> None:
    show_pairs(
        {
            "available": pool.available_credits,
            "allocated": pool.allocated_credits,
            "total": pool.total_credits,
            "used": pool.used_credits,
            "held": pool.held_credits,
            "overage": f"{pool.overage_used_period:,} of {pool.overage_limit:,}"
            if pool.allow_overage
            else "off",
        },
        title=pool.org_name,
    )


def _say_left(allocation: Allocation, pool: Pool) -> None:
    say(
        f"{allocation.user_email} has {allocation.remaining_credits:,} credits left; "
        f"the pool has {pool.available_credits:,} available.",
        "green",
    )
