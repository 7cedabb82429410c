"""What a client is asked to send: one request, and what it moves once it is acknowledged."""

from collections.abc import Generator
from dataclasses import dataclass, field
from random import Random
from typing import Any


@dataclass(frozen=True)
class Member:
    """A person who spends credits of an organization."""

    org_id: str
    user_id: str


@dataclass(frozen=True)
class Call:
    """One request. A POST moves credits, once for its key; a GET only looks.

    Attributes:
        held: by how much the call changes what is reserved of the member's credits, in the end: 0 for a hold
            that is left to expire.
        items: the charges of a batch, each with a key of its own and an entry of its own in the log.
        key: the client makes one when it is None. It is the X-Request-ID too, which ledger rows keep.
        keyed: whether the key is sent as Idempotency-Key. Without it a capture, a release, a refund and a batch
            are one statement that commits by itself.
        may_refuse: codes of 409 that are an outcome: nothing was moved.
        repeated: the code of a 409 that after an unknown outcome says that it was done.
    """

    kind: str
    member: Member
    credits: int
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"
    held: int = 0
    items: tuple["Call", ...] = ()
    key: str | None = None
    keyed: bool = True
    may_refuse: frozenset[str] = frozenset()
    repeated: str | None = None

    def content(self, key: str) -> dict[str, Any]:
        """The body; each item of a batch with its key."""
        if not self.items:
            return self.body
        keyed = zip(self.items, self.item_keys(key), strict=True)
        return {**self.body, "items": [{**item.body, "request_id": one} for item, one in keyed]}

    def item_keys(self, key: str) -> list[str]:
        """The keys of a batch's items, in order."""
        return [f"{key}.{index}" for index in range(len(self.items))]


#: Yields calls, and is sent the document of each success, or None.
Script = Generator[Call, dict[str, Any] | None, None]


@dataclass(frozen=True)
class Cast:
    """Everybody who spends; the first is hot: half of all calls are theirs."""

    members: tuple[Member, ...]

    @property
    def org_ids(self) -> list[str]:
        """Each organization once."""
        return sorted({member.org_id for member in self.members})

    def member(self, rng: Random) -> Member:
        """The hot one, or any."""
        return self.members[0] if rng.random() < 0.5 else rng.choice(self.members)

    def colleague(self, of: Member, rng: Random) -> Member:
        """Anybody of the same organization."""
        return rng.choice([member for member in self.members if member.org_id == of.org_id])
