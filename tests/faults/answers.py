"""What an HTTP answer, or the lack of one, says about a call's outcome."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

#: The only failures of a server that the contract knows; both say when to come again.
DOCUMENTED_503 = frozenset({"database_unavailable", "outcome_unknown"})


class Outcome(StrEnum):
    """What the client knows."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class Answer:
    """An outcome, and what it was concluded from."""

    outcome: Outcome
    why: str
    document: dict[str, Any] | None = None
    replayed: bool = False
    unanswered: bool = False

    @property
    def known(self) -> bool:
        """Whether the call needs no retry."""
        return self.outcome in {Outcome.OK, Outcome.REFUSED}

    def results(self, items: int) -> "list[Answer]":
        """What it says of each item of a batch: a result each, or the same of all of them."""
        if self.outcome is not Outcome.OK:
            return [self] * items
        results = (self.document or {}).get("results", [])
        if len(results) != items:
            return [Answer(Outcome.UNEXPECTED, f"{len(results)} results of {items} items")] * items
        return [_result(one) for one in results]

    def said_again_by(self, again: "Answer", *, keyed: bool) -> bool:
        """Whether another answer to the same request says the same, as a replay.

        Args:
            keyed: whether the request had a key of its own. A batch without one is no replay as a whole: its
                items are, and say so by their status.
        """
        if (
            self.document is None
            or again.document is None
            or "results" not in self.document
            or keyed
        ):
            return (again.document, again.replayed) == (self.document, True)
        replayed = [
            {**one, "status": int(HTTPStatus.OK)} if "usage" in one else one
            for one in self.document["results"]
        ]
        return bool(again.document == {**self.document, "results": replayed})


def lost(error: Exception) -> Answer:
    """No answer, or not all of one."""
    return Answer(Outcome.UNKNOWN, type(error).__name__, unanswered=True)


def judged(
    status: int, headers: Mapping[str, str], content: bytes, may_refuse: Collection[str] = ()
) -> Answer:
    """What a whole answer says.

    Args:
        may_refuse: the codes of 409 that are an outcome of this call, as 402 is of every one.
    """
    try:
        document = json.loads(content)
        code = str(document.get("code"))
    except (ValueError, AttributeError):
        return Answer(Outcome.UNEXPECTED, f"{status} without a JSON object")
    replayed = headers.get("Idempotent-Replayed") == "true"
    if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
        return Answer(Outcome.OK, str(status), document, replayed)
    refused = status == HTTPStatus.CONFLICT and code in may_refuse
    if refused or status == HTTPStatus.PAYMENT_REQUIRED:
        return Answer(Outcome.REFUSED, code, document, replayed)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and code in DOCUMENTED_503:
        return _come_again(code, headers)
    if status == HTTPStatus.CONFLICT and code == "request_in_progress":
        return _come_again(code, headers)
    return Answer(Outcome.UNEXPECTED, f"{status} {code}", document)


def _come_again(code: str, headers: Mapping[str, str]) -> Answer:
    if not headers.get("Retry-After", "").isdigit():
        return Answer(Outcome.UNEXPECTED, f"{code} without Retry-After")
    return Answer(Outcome.UNKNOWN, code)


def _result(one: Mapping[str, Any]) -> Answer:
    status = one["status"]
    if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
        return Answer(Outcome.OK, str(status), one["usage"])
    code = str(one["error"]["code"])
    outcome = Outcome.REFUSED if status == HTTPStatus.PAYMENT_REQUIRED else Outcome.UNEXPECTED
    return Answer(outcome, f"{status} {code} of an item", one["error"])
