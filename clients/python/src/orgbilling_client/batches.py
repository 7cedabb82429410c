"""Many charges in few calls: which call carries which, and how their answers come together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from orgbilling_client import keys
from orgbilling_client.calls import BASE, Answer, Call, Id, Repeat, encoded, given
from orgbilling_client.errors import ApiError, OrgBillingError
from orgbilling_client.models.charging import Usage
from orgbilling_client.parsing import Unreadable, parse
from orgbilling_client.problems import problem_from

#: What the service takes in one call.
ITEMS_MAX: Final = 1000
BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One charge of a batch: of ``credits``, or of a ``quantity`` that the price catalogue prices.

    Args:
        key: under which the charge is made once, in a batch or alone; without one it is made from the batch's key.
    """

    user_id: Id
    service: str
    credits: int | None = None
    quantity: int | None = None
    service_type: str | None = None
    metadata: Mapping[str, Any] | None = None
    key: str | None = None

    def body(self, org_id: str, key: str) -> dict[str, object]:
        """Return the item that the service is sent.

        Raises:
            ValueError: not exactly one of credits and quantity is given.
        """
        if (self.credits is None) == (self.quantity is None):
            raise ValueError("Give a charge either credits or a quantity.")
        return given(
            org_id=org_id,
            user_id=str(self.user_id),
            service_name=self.service,
            credits=self.credits,
            quantity=self.quantity,
            service_type=self.service_type,
            metadata=self.metadata,
            request_id=self.key or key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """What became of one charge: its usage, or the error that refused it."""

    status: int
    usage: Usage | None = None
    error: ApiError | None = None

    def __bool__(self) -> bool:
        return self.usage is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What became of the charges, in the order given.

    ``idempotency_key`` repeats the batch without charging anything twice.
    """

    results: tuple[BatchItem, ...]
    idempotency_key: str

    @property
    def deducted(self) -> int:
        """How many were charged."""
        return sum(map(bool, self.results))

    @property
    def failed(self) -> int:
        """How many were refused."""
        return len(self.results) - self.deducted


class _Item(NamedTuple):
    place: int
    key: str
    body: bytes


class Batch:
    """The charges of one ``deduct_batch``: the calls that make them, and what they came to.

    The same charges with the same key are divided in the same way and carry the same keys, so that repeating the
    whole charges nothing twice, wherever it ended before.

    Raises:
        ValueError: a charge can't be made, or an atomic batch is too large for one call.
    """

    def __init__(
        self, charges: Iterable[Charge], *, org_id: str, atomic: bool, key: str | None
    ) -> None:
        self.key = keys.new_key() if key is None else keys.checked(key)
        self._atomic = atomic
        self._items = [
            _item(index, charge, org_id, self.key) for index, charge in enumerate(charges)
        ]
        self._results: list[BatchItem | None] = [None] * len(self._items)
        self._chunks = list(_chunks(self._items))
        if atomic and len(self._chunks) > 1:
            raise ValueError(
                f"An atomic batch is one call: at most {ITEMS_MAX} charges in {BYTES_MAX} bytes."
            )

    def calls(self) -> Iterator[Call[tuple[BatchItem, ...]]]:
        """Yield the calls to make, one after the other."""
        return map(self._call, self._chunks)

    def _call(self, items: Sequence[_Item]) -> Call[tuple[BatchItem, ...]]:
        content = b'{"atomic":%s,"items":[%s]}' % (
            b"true" if self._atomic else b"false",
            b",".join(item.body for item in items),
        )

        def parse_results(answer: Answer) -> tuple[BatchItem, ...]:
            return self._taken(items, answer)

        path = f"{BASE}/credits/deduct/batch"
        # Every item has its key. One for the whole would add nothing, and be answered ten times as slowly: the service
        # then keeps pool and members locked while it goes through the items.
        return Call(
            "POST",
            path,
            parse_results,
            Repeat.KEYED,
            body=content,
            key=self.key,
            key_in_body=True,
        )

    def _taken(self, items: Sequence[_Item], answer: Answer) -> tuple[BatchItem, ...]:
        results = answer.document.get("results") if isinstance(answer.document, Mapping) else None
        if not isinstance(results, list) or len(results) != len(items):
            raise Unreadable(f"{len(items)} results were expected.")
        read = tuple(_result(item, one) for item, one in zip(items, results, strict=True))
        for item, one in zip(items, read, strict=True):
            self._results[item.place] = one
        return read

    @property
    def result(self) -> BatchResult:
        """What became of all charges."""
        done = tuple(one for one in self._results if one is not None)
        return BatchResult(results=done, idempotency_key=self.key)

    def explain(self, error: OrgBillingError) -> None:
        """Let the error of one call speak for the batch: its key, and that earlier calls have charged."""
        done = self.result
        error.idempotency_key = self.key
        if done.results:
            error.may_have_acted = error.may_have_acted or done.deducted > 0
            error.add_note(
                f"{len(done.results)} of {len(self._items)} charges were answered before."
            )


def _item(index: int, charge: Charge, org_id: str, key: str) -> _Item:
    own = charge.key or keys.derived(key, str(index))
    try:
        body = encoded(charge.body(org_id, own))
    except (TypeError, ValueError) as exc:
        raise ValueError(f"Charge {index} of the batch: {exc}") from exc
    return _Item(index, own, body)


def _chunks(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    chunk: list[_Item] = []
    size = _FRAME_BYTES
    for item in items:
        if chunk and (len(chunk) == ITEMS_MAX or size + len(item.body) + 1 > BYTES_MAX):
            yield chunk
            chunk, size = [], _FRAME_BYTES
        chunk.append(item)
        size += len(item.body) + 1
    if chunk:
        yield chunk


#: What stands around the items of a body.
_FRAME_BYTES: Final = len(b'{"atomic":false,"items":[]}')


def _result(item: _Item, document: Any) -> BatchItem:
    if not isinstance(document, Mapping) or not isinstance(document.get("status"), int):
        raise Unreadable("A result has a status.")
    status: int = document["status"]
    if "usage" in document:
        return BatchItem(
            status=status, usage=parse(Usage, document["usage"], replayed=status == 200)
        )
    problem = document.get("error")
    if not isinstance(problem, Mapping) or not isinstance(problem.get("code"), str):
        raise Unreadable("A result has a usage or an error.")
    error = problem_from(problem, status=status)
    error.idempotency_key = item.key
    return BatchItem(status=status, error=error)
