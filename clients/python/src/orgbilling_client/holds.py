"""How patiently a hold is released when its block is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from orgbilling_client.retrying import RetryPolicy

#: Whoever leaves the block waits for it, and the hold expires by itself.
RELEASE_SECONDS: Final = 10.0


def release_policy(policy: RetryPolicy) -> RetryPolicy:
    """Return the client's policy, within the seconds that a release may take."""
    return replace(policy, total_seconds=min(policy.total_seconds, RELEASE_SECONDS))
