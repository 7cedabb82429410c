"""Commands that check, charge, hold and refund."""

from typing import Annotated

import typer

from orgbilling_client.cli.arguments import (
    Amount,
    AsJson,
    Credits,
    Key,
    Metadata,
    Org,
    Quantity,
    Service,
    User,
    amount,
    metadata_of,
    session_of,
)
from orgbilling_client.cli.failing import ExitCode
from orgbilling_client.cli.output import printable, say, show_json
from orgbilling_client.cli.repeating import repeatable
from orgbilling_client.cli.session import user_id
from orgbilling_client.models.charging import Check, Hold

HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id.")]


def check(
    context: typer.Context,
    user: User,
    service: Service,
    credits: Amount = None,
    quantity: Quantity = None,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether a charge would pass, and what it would cost. Exits with 1 when it wouldn't."""
    with session_of(context).client(org) as client:
        verdict = client.check(user_id(client, user), service, **amount(credits, quantity))
    if as_json:
        show_json(verdict)
    else:
        _say_verdict(verdict)
    if not verdict.sufficient:
        raise typer.Exit(ExitCode.REFUSED)


@repeatable
def deduct(
    context: typer.Context,
    user: User,
    service: Service,
    credits: Amount = None,
    quantity: Quantity = None,
    metadata: Metadata = None,
    request_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Your own name for it, kept with the charge.", show_default=False
        ),
    ] = None,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Charge a member for a service."""
    said = metadata_of(metadata)
    with session_of(context).client(org) as client:
        charged = client.deduct(
            user_id(client, user),
            service,
            **amount(credits, quantity),
            metadata=said,
            request_id=request_id,
            idempotency_key=key,
        )
    if as_json:
        show_json(charged)
        return
    before = " before, and not again" if charged.replayed else ""
    say(
        f"Charged {charged.credits_used:,} credits{before}; {charged.remaining_credits:,} are left.",
        "green",
    )
    say(f"usage {charged.id}", "dim")


@repeatable
def hold(
    context: typer.Context,
    user: User,
    service: Service,
    credits: Credits,
    ttl: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, max=86_400, help="When it expires by itself.")
    ] = 900,
    metadata: Metadata = None,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Reserve credits of a member, to be captured or released."""
    said = metadata_of(metadata)
    with session_of(context).client(org) as client:
        placed = client.place_hold(
            user_id(client, user),
            service,
            credits,
            ttl_seconds=ttl,
            metadata=said,
            idempotency_key=key,
        )
    _say_hold(placed, as_json=as_json)


@repeatable
def capture(
    context: typer.Context,
    hold_id: HoldId,
    credits: Annotated[
        int | None,
        typer.Argument(
            metavar="[CREDITS]", min=1, help="How many; without it all.", show_default=False
        ),
    ] = None,
    more: Annotated[
        bool, typer.Option("--more", help="More is to be captured: don't give the rest back yet.")
    ] = False,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Charge what a hold reserves, and give the rest back."""
    with session_of(context).client(org) as client:
        done = client.capture_hold(hold_id, credits, final=not more, idempotency_key=key)
    if as_json:
        show_json(done)
        return
    say(
        f"Charged {done.usage.credits_used:,} credits; "
        f"{done.usage.remaining_credits:,} are left. The hold is {done.hold.status}.",
        "green",
    )
    say(f"usage {done.usage.id}", "dim")


@repeatable
def release(
    context: typer.Context,
    hold_id: HoldId,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give back what a hold reserves."""
    with session_of(context).client(org) as client:
        released = client.release_hold(hold_id, idempotency_key=key)
    _say_hold(released, as_json=as_json)


@repeatable
def refund(
    context: typer.Context,
    usage_id: Annotated[str, typer.Argument(metavar="USAGE", help="The charge's id.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the refund.")],
    credits: Amount = None,
    org: Org = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give back what a charge took, or a part of it."""
    with session_of(context).client(org) as client:
        refunded = client.refund(usage_id, reason, credits, idempotency_key=key)
    if as_json:
        show_json(refunded)
        return
    say(
        f"Refunded {-refunded.credits_used:,} credits; {refunded.remaining_credits:,} are left.",
        "green",
    )


def _say_verdict(verdict: Check) -> None:
    left = f"{verdict.remaining_credits:,} are left"
    if verdict.sufficient:
        say(f"Would pass: {verdict.credits:,} credits, and {left}.", "green")
        return
    say(f"Would be refused: {verdict.credits:,} credits are needed, {left}.", "red")
    fix = verdict.why.get("fix")
    if isinstance(fix, str):
        say(printable(fix))


def _say_hold(one: Hold, *, as_json: bool) -> None:
    if as_json:
        show_json(one)
        return
    text = f"Hold of {one.credits:,} credits: {one.status}"
    if one.status == "pending":
        text += f", until {one.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    say(f"{text}.", "green")
    say(f"hold {one.id}", "dim")
