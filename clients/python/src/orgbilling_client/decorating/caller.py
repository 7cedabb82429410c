"""Who calls, as far as a repetition of the same request has to be recognised."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orgbilling_client.decorating.plan import Cost, Plan
from orgbilling_client.keys import new_key

#: A larger body is not read for the sake of recognising it.
BODY_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request says of itself.

    Attributes:
        key: the caller's own name for it, from ``Idempotency-Key`` or else ``X-Request-ID``.
        fingerprint: a digest of all that was asked; None where the body can't be read again.
        x_request_id: under which its calls are logged.
    """

    key: str | None
    fingerprint: str | None
    x_request_id: str | None

    def key_of(self, plan: Plan[Any], cost: Cost) -> str:
        """The key of its charge: the same for the same request by the same user, else a new one.

        The caller chooses its name, so that alone must never stand for a charge: another body under the
        same name would be work for nothing.
        """
        if not self.key or self.fingerprint is None or plan.repeat_within <= timedelta(0):
            return new_key()
        who = (plan.service, plan.mode, cost.user_id, cost.org_id or "", self.key)
        text = "\n".join((*who, self.fingerprint))
        return f"view-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_small(length: str) -> bool:
    """Whether a body of this ``Content-Length`` is read; an empty one is none, and what is no number no length."""
    return not length or (
        length.isascii() and length.isdigit() and int(length[:20]) <= BODY_BYTES_MAX
    )


def fingerprint(method: str, target: str, body: bytes) -> str:
    """A digest of a request."""
    head = f"{method} {target}\n".encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + hashlib.sha256(body).digest()).hexdigest()
