"""One request to a receiver, and what came of it. Nothing here raises for what a receiver does."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import certifi
import httpcore

from organizations.webhooks import resolving
from organizations.webhooks.addresses import Allowance
from organizations.webhooks.network import (
    AddressRefused,
    GuardedBackend,
    Interrupted,
    Line,
    Resolve,
)
from organizations.webhooks.urls import Target, UnsafeUrl, read
from orgbilling.lib import clock

#: Seconds for everything: look-up, connection, TLS, request and answer.
TOTAL_SECONDS: Final = 15.0
#: Seconds for the body of an answer whose status is known.
BODY_SECONDS: Final = 3.0
#: Bytes that are read of a body, and characters that are kept.
READ_BYTES: Final = 64 * 1024
EXCERPT: Final = 1_024
ERROR_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        status: the answer's; None: there was none.
        error: why there was none, or why it is a failure; empty for 2xx.
        excerpt: the beginning of the body, without control characters.
        retry_after: how long the receiver asked to wait.
        seconds: how long it took.
        interrupted: the worker is stopping, and cut it off.
        refused: the address that may not be connected to, for the operator's log alone; empty: there was none.
    """

    status: int | None = None
    error: str = ""
    excerpt: str = ""
    retry_after: timedelta | None = None
    seconds: float = 0.0
    interrupted: bool = False
    refused: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken it: any 2xx, and nothing else."""
        return self.status is not None and 200 <= self.status < 300


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allowance: Allowance,
    line: Line | None = None,
    resolve: Resolve = resolving.resolve,
) -> Answer:
    """Send exactly these bytes. No redirects, proxies, cookies or kept connections."""
    line = line or Line(TOTAL_SECONDS)
    began = time.monotonic()
    try:
        status, retry_after, excerpt = _exchange(
            read(url, allowance), headers, body, GuardedBackend(allowance, line, resolve), line
        )
    except Interrupted:
        return Answer(error="The worker was stopped.", interrupted=True, seconds=_since(began))
    except Exception as exc:  # noqa: BLE001 - whatever it is, a receiver caused it: its attempt failed
        if line.is_cut:
            return Answer(error="The worker was stopped.", interrupted=True, seconds=_since(began))
        refused = str(exc.address or "") if isinstance(exc, AddressRefused) else ""
        return Answer(error=_told(exc), seconds=_since(began), refused=refused)
    finally:
        line.close()
    answer = Answer(status=status, excerpt=excerpt, retry_after=retry_after, seconds=_since(began))
    return answer if answer.is_success else _failed(answer)


def _exchange(
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    backend: GuardedBackend,
    line: Line,
) -> tuple[int, timedelta | None, str]:
    origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
    request = httpcore.Request(
        "POST",
        httpcore.URL(
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            target=target.target.encode(),
        ),
        headers=[
            ("Host", target.authority),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            ("Accept-Encoding", "identity"),
            *headers.items(),
        ],
        content=body,
    )
    with httpcore.HTTPConnection(
        origin, ssl_context=_tls(), keepalive_expiry=0, network_backend=backend
    ) as connection:
        response = connection.handle_request(request)
        named = {name.lower(): value for name, value in response.headers}
        wait = _retry_after(named.get(b"retry-after", b""))
        return response.status, wait, _excerpt(response, line)


def _excerpt(response: httpcore.Response, line: Line) -> str:
    """The beginning of the body; what fails while it is read changes nothing of the status."""
    line.shorten(BODY_SECONDS)
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_stream():
            parts.append(part)
            size += len(part)
            if size >= READ_BYTES:
                break
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, Interrupted):
        pass
    text = b"".join(parts)[:READ_BYTES].decode(errors="replace")
    return "".join(c if c.isprintable() else " " for c in text[: 2 * EXCERPT]).strip()[:EXCERPT]


def _failed(answer: Answer) -> Answer:
    status = answer.status or 0
    error = f"It answered {status}."
    if 300 <= status < 400:
        error = f"It answered {status}: redirects are not followed."
    elif status == 410:
        error = "It answered 410 Gone."
    return Answer(
        status=answer.status,
        error=error,
        excerpt=answer.excerpt,
        retry_after=answer.retry_after if status in (429, 503) else None,
        seconds=answer.seconds,
    )


def _told(failure: Exception) -> str:
    match failure:
        case UnsafeUrl() | AddressRefused() | resolving.NotResolved():
            text = str(failure)
        case TimeoutError():
            text = "It didn't answer in time."
        case ssl.SSLCertVerificationError():
            text = f"Its certificate is not valid: {failure.verify_message}"
        case ssl.SSLError():
            text = f"TLS failed: {failure.reason or failure}"
        case ConnectionRefusedError():
            text = "The connection was refused."
        case OSError():
            text = f"The connection failed: {failure.strerror or failure}"
        case httpcore.ProtocolError():
            text = f"It didn't speak HTTP: {failure}"
        case _:
            text = f"The request failed: {type(failure).__name__}"
    return "".join(c if c.isprintable() else " " for c in text)[:ERROR_LENGTH]


def _retry_after(value: bytes) -> timedelta | None:
    text = value.decode("latin-1").strip()
    if text.isdigit() and text.isascii():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment: datetime = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(timedelta(0), moment - clock.now())
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def _since(began: float) -> float:
    return time.monotonic() - began


@functools.cache
def _tls() -> ssl.SSLContext:
    """The public authorities, and those of the machine: SSL_CERT_FILE names an operator's own."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context
