"""What one attempt comes to: an answer, or the exception that stands for what went wrong."""

from __future__ import annotations

import json
import platform
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx

from orgbilling_client.calls import Answer, Call
from orgbilling_client.connecting import Connection
from orgbilling_client.errors import (
    AnswerTooLarge,
    BadAnswer,
    Redirected,
    TimedOut,
    TransportError,
    Unreachable,
    Untrusted,
)
from orgbilling_client.parsing import Unreadable
from orgbilling_client.problems import problem_of
from orgbilling_client.version import __version__

T = TypeVar("T")

JSON: Final = "application/json, application/problem+json"
CSV: Final = "text/csv, application/problem+json"
USER_AGENT: Final = (
    f"orgbilling-client/{__version__} Python/{platform.python_version()} httpx/{httpx.__version__}"
)
#: Far above the largest answer of the service: a page of 500 rows with 8 KiB of metadata each.
ANSWER_MAX_BYTES: Final = 32 * 1024 * 1024
#: Failures in which no byte of the request can have reached the service.
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def headers_of(
    call: Call[Any], connection: Connection, request_id: str, *, accept: str
) -> httpx.Headers:
    """Return what is sent with a call; the type's repr hides the credential from tracebacks."""
    headers = httpx.Headers(
        {
            "Authorization": f"Bearer {connection.api_key}",
            "Accept": accept,
            # What is counted is then what came, and a few bytes can't unfold into gigabytes.
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
            "X-Request-ID": request_id,
        }
    )
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    if call.key is not None and not call.key_in_body:
        headers["Idempotency-Key"] = call.key
    return headers


def failure_of(exc: httpx.HTTPError | OSError, address: str) -> TransportError:
    """Return what a failure below HTTP means to the caller."""
    sent = not isinstance(exc, _NEVER_SENT)
    said = str(exc).rstrip(".") or type(exc).__name__
    if _is_untrusted(exc):
        return Untrusted(f"The certificate of {address} isn't trusted: {said}.", sent=False)
    if isinstance(exc, httpx.PoolTimeout):
        return TimedOut("Every connection of this client was in use for too long.", sent=False)
    if isinstance(exc, httpx.TimeoutException):
        return TimedOut(f"{address} didn't answer in time ({type(exc).__name__}).", sent=sent)
    if isinstance(exc, httpx.DecodingError):
        return BadAnswer(f"The answer of {address} is garbled: {said}.")
    return Unreachable(f"The connection to {address} failed: {said}.", sent=sent)


def _is_untrusted(exc: BaseException) -> bool:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def check_head(response: httpx.Response, address: str) -> None:
    """Refuse what needn't be read.

    Raises:
        Redirected: the answer points elsewhere.
        BadAnswer: it is compressed although that was not asked for.
    """
    if 300 <= response.status_code < 400:
        where = response.headers.get("Location", "nowhere")
        raise Redirected(f"{address} points to {where:.200}: set base_url to where the service is.")
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise BadAnswer(f"The answer of {address} is compressed ({encoding:.40}), unasked.")


class Received:
    """The bytes of an answer, up to a bound and a moment."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._content = bytearray()

    def add(self, chunk: bytes, now: float) -> None:
        """Keep a piece.

        Raises:
            AnswerTooLarge: there are more bytes than any answer has.
            TimedOut: the answer trickles in too slowly.
        """
        if len(self._content) + len(chunk) > ANSWER_MAX_BYTES:
            raise AnswerTooLarge(f"The answer has more than {ANSWER_MAX_BYTES} bytes.")
        if now > self._deadline:
            raise TimedOut("The answer came too slowly.")
        self._content += chunk

    @property
    def content(self) -> bytes:
        """All that came."""
        return bytes(self._content)


def understood(call: Call[T], response: httpx.Response, body: bytes) -> T:
    """Return what an answer means.

    Raises:
        ApiError: the service refused.
        BadAnswer: it can't be the service's answer.
    """
    if response.status_code not in call.accepts:
        check_status(response, body)
    return _parsed(call, Answer(_document(call, response, body), _is_replay(response.headers)))


def check_status(response: httpx.Response, body: bytes) -> None:
    """Raise the ApiError that an answer of 4xx or 5xx stands for; BadAnswer for what is neither that nor success."""
    if response.status_code >= 400:
        raise problem_of(
            response.status_code,
            body,
            request_id=response.headers.get("X-Request-ID"),
            retry_after=retry_after(response.headers),
        )
    if response.status_code < 200:
        raise BadAnswer(f"An answer with status {response.status_code} is none.")


def _document(call: Call[Any], response: httpx.Response, body: bytes) -> Any:
    if response.status_code == 204:
        return None
    check_kind(call, response, "application/json")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BadAnswer(f"{call.path} was answered with broken JSON.") from exc


def check_kind(call: Call[Any], response: httpx.Response, wanted: str) -> None:
    """Refuse an answer of another content type, as the page of a proxy that wants a sign-in.

    Raises:
        BadAnswer: it has another.
    """
    kind = response.headers.get("Content-Type", "")
    if kind.partition(";")[0].strip().lower() != wanted:
        raise BadAnswer(
            f"{call.path} was answered with {kind or 'no content type':.80} instead of {wanted}: "
            "is base_url the service's root?"
        )


def _parsed(call: Call[T], answer: Answer) -> T:
    try:
        return call.parse(answer)
    except Unreadable as exc:
        raise BadAnswer(f"{call.path} was answered with another document: {exc}") from exc


def _is_replay(headers: Mapping[str, str]) -> bool:
    return headers.get("Idempotent-Replayed", "").lower() == "true"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``, given as seconds or as a date (RFC 9110, 10.2.3); None without one."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = _date(text)
    if moment is None:
        return None
    # The server's date is compared with its own clock where it says what that shows.
    now = _date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
