"""What is counted of requests."""

from __future__ import annotations

from typing import Final

from orgbilling.lib.metrics import counter, histogram

#: Upper bounds in seconds. A deduct takes a few milliseconds; the longest wait for a lock or a connection is 10 s.
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = counter("requests", "Requests that were answered.", "method", "route", "status")
DURATION = histogram(
    "request_duration_seconds",
    "How long answers took, without the body of streamed ones.",
    "route",
    "method",
    buckets=SECONDS,
)
REFUSALS = counter("refusals", "Problem documents that were answered.", "code", "route")
LOGINS_REFUSED = counter("logins_refused", "Credentials that were refused.", "door")

API, PASSWORD, SIGN_ON = "api", "password", "sign_on"
for _door in (API, PASSWORD, SIGN_ON):
    LOGINS_REFUSED.labels(_door)
