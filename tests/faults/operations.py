"""What the clients do, as scripts: a script yields calls and is sent the document that answered each.

A new operation is a script here, its weight in SCRIPTS, and its entry in ``evidence.KINDS`` that says
which row proves it. A script with several steps yields them one by one, and gets None for a step that
was refused.
"""

import time
from collections.abc import Callable
from random import Random
from typing import Any

from tests.faults.calls import Call, Cast, Member, Script

# More than anybody has: a refusal is an outcome too, and commits by another path than a charge.
TOO_MUCH = 10**15
# The shortest that there is.
EXPIRES_AFTER_SECONDS = 1
# Around the moment at which such a hold expires: some captures come in time, others don't.
AROUND_EXPIRY_SECONDS = (0.5, 1.1)
BATCH_ITEMS = (2, 6)


def deduct(cast: Cast, rng: Random) -> Script:
    """The ordinary charge: one statement that commits by itself."""
    yield charge(cast.member(rng), rng.randint(1, 9))


def batch(cast: Cast, rng: Random) -> Script:
    """Several charges in one request.

    One statement when all of them pass, a transaction when one is refused or the batch has a key of its own.
    """
    first = cast.member(rng)
    members = [first, *(cast.colleague(first, rng) for _ in range(rng.randint(*BATCH_ITEMS) - 1))]
    amounts = [rng.randint(1, 9) for _ in members]
    if rng.random() < 0.2:
        amounts[rng.randrange(len(amounts))] = TOO_MUCH
    atomic = rng.random() < 0.3
    yield Call(
        "batch",
        first,
        0,
        "credits/deduct/batch",
        {"atomic": atomic},
        items=tuple(map(charge, members, amounts)),
        # The refusal of an atomic batch is final for the batch's key only: its items' stay free.
        keyed=atomic,
    )


def overdraw(cast: Cast, rng: Random) -> Script:
    """What is refused in a transaction, which stores the refusal."""
    member = cast.member(rng)
    yield rng.choice([charge, place, reclaiming])(member, TOO_MUCH)


def capture(cast: Cast, rng: Random) -> Script:
    """A hold that is charged in one part or in two; what is left goes back, and some of it is refunded."""
    member, left = cast.member(rng), rng.randint(4, 12)
    hold = yield place(member, left)
    if hold is None:
        return
    if rng.random() < 0.5:
        part = rng.randint(1, left - 1)
        if (yield capturing(member, hold, part, held=-part, final=False)) is None:
            return
        left -= part
    part = rng.randint(1, left)
    settled = yield capturing(member, hold, part, held=-left, keyed=rng.random() < 0.5)
    if settled is not None and rng.random() < 0.3:
        yield from refunds(member, settled["usage"], rng)


def release(cast: Cast, rng: Random) -> Script:
    """A hold that isn't needed, or of which only a first part was."""
    member, left = cast.member(rng), rng.randint(4, 12)
    hold = yield place(member, left)
    if hold is None:
        return
    if rng.random() < 0.3:
        part = rng.randint(1, left - 1)
        if (yield capturing(member, hold, part, held=-part, final=False)) is None:
            return
        left -= part
    yield Call(
        "release",
        member,
        left,
        f"credits/holds/{hold['id']}/release",
        {"org_id": member.org_id},
        held=-left,
        # What proves it is the hold.
        key=hold["id"],
        keyed=rng.random() < 0.5,
    )


def expire(cast: Cast, rng: Random) -> Script:
    """A hold that is left to expire, or captured when it is about to."""
    member, credits = cast.member(rng), rng.randint(2, 9)
    hold = yield place(member, credits, ttl_seconds=EXPIRES_AFTER_SECONDS)
    if hold is None or rng.random() < 0.5:
        return
    time.sleep(rng.uniform(*AROUND_EXPIRY_SECONDS))
    final = rng.random() < 0.7
    part, keyed = rng.randint(1, credits), rng.random() < 0.5 or not final
    expired = frozenset({"hold_not_pending"})
    yield capturing(member, hold, part, final=final, keyed=keyed, may_refuse=expired)


def keep(cast: Cast, rng: Random) -> Script:
    """A hold that nobody has settled when the ledger is looked at; a part of it may be charged."""
    member, credits = cast.member(rng), rng.randint(2, 9)
    hold = yield place(member, credits, ttl_seconds=86_400)
    if hold is not None and rng.random() < 0.5:
        part = rng.randint(1, credits - 1)
        yield capturing(member, hold, part, held=-part, final=False)


def refund(cast: Cast, rng: Random) -> Script:
    """A charge that is given back."""
    member = cast.member(rng)
    usage = yield charge(member, rng.randint(2, 9))
    if usage is not None:
        yield from refunds(member, usage, rng)


def refunds(member: Member, usage: dict[str, Any], rng: Random) -> Script:
    """All of a charge at once, or a part and perhaps the rest."""
    left, path = int(usage["credits_used"]), f"credits/usage/{usage['id']}/refund"
    if left > 1 and rng.random() < 0.5:
        part = rng.randint(1, left - 1)
        body = {"credits": part, "reason": "faults"}
        yield Call("refund", member, part, path, body)
        left -= part
        if rng.random() < 0.5:
            return
    body = {"org_id": member.org_id, "credits": left, "reason": "faults"}
    if rng.random() < 0.5:
        yield Call("refund", member, left, path, body)
    else:
        # Without a key a retry finds nothing left to refund: it was done.
        yield Call("refund", member, left, path, body, keyed=False, repeated="refund_exceeds_usage")


def allocate(cast: Cast, rng: Random) -> Script:
    """Credits from the pool to a member: a transaction that locks the pool."""
    member, credits = cast.member(rng), rng.randint(1, 9)
    body = {"user_id": member.user_id, "credits": credits}
    yield Call("allocate", member, credits, f"credits/{member.org_id}/allocate", body)


def reclaim(cast: Cast, rng: Random) -> Script:
    """And back from the member to the pool."""
    yield reclaiming(cast.member(rng), rng.randint(1, 9))


def add(cast: Cast, rng: Random) -> Script:
    """New credits: one transaction over the ledger and the billing history."""
    member, credits = cast.member(rng), rng.randint(1, 9)
    yield Call("add", member, credits, f"credits/{member.org_id}/add", {"credits": credits})


def read(cast: Cast, rng: Random) -> Script:
    """Something that is only looked at: it must never fail in another way than a charge."""
    member = cast.member(rng)
    path = rng.choice(
        [
            f"credits/{member.org_id}",
            f"credits/{member.org_id}/usage?page_size=5",
            f"credits/user/{member.user_id}",
            f"billing/org/{member.org_id}",
            "organizations",
        ]
    )
    yield Call("read", member, 0, path, method="GET")


def charge(member: Member, credits: int) -> Call:
    """A charge by the caller's own price."""
    return Call("deduct", member, credits, "credits/deduct", _spending(member, credits))


def place(member: Member, credits: int, ttl_seconds: int = 900) -> Call:
    """A hold."""
    body = _spending(member, credits) | {"ttl_seconds": ttl_seconds}
    held = 0 if ttl_seconds == EXPIRES_AFTER_SECONDS else credits
    return Call("hold", member, credits, "credits/holds", body, held=held)


def capturing(
    member: Member, hold: dict[str, Any], credits: int, *, final: bool = True, **more: Any
) -> Call:
    """A part of a hold, or the last one."""
    body = {"org_id": member.org_id, "credits": credits, "final": final}
    return Call("capture", member, credits, f"credits/holds/{hold['id']}/capture", body, **more)


def reclaiming(member: Member, credits: int) -> Call:
    """Credits of a member back to the pool."""
    body = {"user_id": member.user_id, "credits": credits}
    return Call("reclaim", member, credits, f"credits/{member.org_id}/reclaim", body)


def _spending(member: Member, credits: int) -> dict[str, Any]:
    return {
        "org_id": member.org_id,
        "user_id": member.user_id,
        "service_name": "faults",
        "credits": credits,
    }


#: How often each script is drawn.
SCRIPTS: dict[Callable[[Cast, Random], Script], int] = {
    deduct: 12,
    batch: 2,
    capture: 3,
    release: 2,
    expire: 1,
    keep: 1,
    refund: 3,
    allocate: 2,
    reclaim: 1,
    overdraw: 1,
    add: 1,
    read: 1,
}


def draw(cast: Cast, rng: Random) -> Script:
    """Any script, by its weight."""
    (script,) = rng.choices(list(SCRIPTS), list(SCRIPTS.values()))
    return script(cast, rng)
