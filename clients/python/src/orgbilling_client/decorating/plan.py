"""What a decorator was told: what a call costs, who pays for it, and how it is charged."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from orgbilling_client.errors import ConfigurationError
from orgbilling_client.journal import Journal

R = TypeVar("R")

Mode = Literal["hold", "deduct"]
SERVER_ERRORS: Final = range(500, 600)
TTL_SECONDS: Final = 900
TTL_SECONDS_MAX: Final = 86_400
REPEAT_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class View(Generic[R]):
    """A call of a decorated view, as the decorator's own functions see it.

    `arguments` are what the view gets by name: parsed bodies, parameters of the path.
    """

    request: R
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call costs, and who pays."""

    user_id: str
    org_id: str | None
    credits: int | None
    quantity: int | None
    metadata: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[R]):
    """The arguments of a decorator; see `docs/python-decorators.md`."""

    service: str
    user: Callable[[View[R]], Any]
    org: Callable[[View[R]], Any] | str | UUID | None = None
    credits: Callable[[View[R]], Any] | int | None = None
    quantity: Callable[[View[R]], Any] | int | None = None
    metadata: Callable[[View[R]], Any] | Mapping[str, Any] | None = None
    mode: Mode = "hold"
    free_statuses: Container[int] = field(default=SERVER_ERRORS)
    ttl_seconds: int = TTL_SECONDS
    repeat_within: timedelta = REPEAT_WITHIN
    journal: Journal | None = None

    def __post_init__(self) -> None:
        if (self.credits is None) == (self.quantity is None):
            message = (
                "Give a decorator either credits, or a quantity that the price catalogue prices."
            )
            raise ConfigurationError(message)
        if self.mode not in {"hold", "deduct"}:
            message = f"mode is 'hold' or 'deduct', not {self.mode!r}."
            raise ConfigurationError(message)
        if not 1 <= self.ttl_seconds <= TTL_SECONDS_MAX:
            message = f"ttl_seconds is 1 to {TTL_SECONDS_MAX}, not {self.ttl_seconds}."
            raise ConfigurationError(message)
        if not callable(self.user):
            message = "user is a function of the call, as lambda call: call.request.user.pk"
            raise ConfigurationError(message)

    def questions(self) -> dict[str, Any]:
        """What has to be known of a call before it is charged: values, or functions of the call."""
        return {
            "user_id": self.user,
            "org_id": self.org,
            "credits": self.credits,
            "quantity": self.quantity,
            "metadata": self.metadata,
        }


def cost_of(answers: Mapping[str, Any]) -> Cost:
    """The cost, from the answers to a plan's questions."""
    return Cost(
        user_id=str(answers["user_id"]),
        org_id=None if answers["org_id"] is None else str(answers["org_id"]),
        credits=answers["credits"],
        quantity=answers["quantity"],
        metadata=answers["metadata"],
    )
