"""Reading the body: how large it may be, what it may be declared as, and strict JSON inside."""

from __future__ import annotations

import threading
from typing import Any, Final

from django.http import HttpRequest
from django.http.request import UnreadablePostError

from orgbilling.web import strict_json
from orgbilling.web.refusals import (
    BodyTooLarge,
    FieldError,
    MalformedJson,
    UnsupportedMediaType,
    ValidationRefused,
)

#: An oversized body is read away up to this many bytes before 413: a client that is still sending
#: would otherwise see a broken connection instead of the answer.
DRAIN_BYTES_MAX: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
#: So many threads at most wait for what a refused caller may never send; beyond them the connection is closed.
_draining: Final = threading.BoundedSemaphore(8)
_LENGTH_DIGITS_MAX: Final = 19
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def check_size(request: HttpRequest, limit: int) -> None:
    """Refuse a body declared larger than ``limit`` bytes.

    Raises:
        BodyTooLarge: after reading away up to ``DRAIN_BYTES_MAX`` of it.
        MalformedJson: the length declared is no number.
    """
    if _declared_length(request) > limit:
        drain(request)
        raise BodyTooLarge(limit)


def check_media_type(request: HttpRequest) -> None:
    """Refuse a body that isn't declared as uncompressed JSON in UTF-8; no body needs no declaration.

    Raises:
        UnsupportedMediaType: with what to send instead.
    """
    declared = request.META.get("CONTENT_TYPE", "")
    if declared == "application/json" and "HTTP_CONTENT_ENCODING" not in request.META:
        return
    if not _has_body(request):
        return
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType
    media, _, parameters = declared.partition(";")
    if media.strip().lower() != "application/json":
        raise UnsupportedMediaType
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(' "').lower() not in _UTF8:
            raise UnsupportedMediaType


def read_object(request: HttpRequest, limit: int) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object.

    Raises:
        MalformedJson: not strict JSON, or cut off by the client.
        BodyTooLarge: a body sent in chunks turned out larger than ``limit`` bytes.
        ValidationRefused: JSON, but not an object.
    """
    raw = read_raw(request, limit)
    if not raw.strip():
        return {}
    value = strict_json.loads(raw)
    if not isinstance(value, dict):
        wrong: FieldError = {
            "field": None,
            "code": "not_an_object",
            "detail": "The body must be a JSON object.",
        }
        raise ValidationRefused([wrong])
    return value


def _declared_length(request: HttpRequest) -> int:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdecimal() and len(declared) <= _LENGTH_DIGITS_MAX):
        # Our server refuses it; behind another one Django fails at it.
        detail = "Content-Length must be a number of bytes."
        raise MalformedJson(detail)
    return int(declared)


def _is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def _has_body(request: HttpRequest) -> bool:
    return _declared_length(request) > 0 or _is_chunked(request)


def read_raw(request: HttpRequest, limit: int) -> bytes:
    """The body as it came.

    Raises:
        MalformedJson: cut off by the client.
        BodyTooLarge: a body sent in chunks turned out larger than ``limit`` bytes.
    """
    try:
        if _is_chunked(request) and not request.META.get("CONTENT_LENGTH"):
            # Django reads CONTENT_LENGTH bytes, none at all without one. The server ends the stream.
            raw: bytes = request.META["wsgi.input"].read(limit + 1)
        else:
            raw = request.body
    except (UnreadablePostError, OSError) as exc:
        detail = "The body was cut off."
        raise MalformedJson(detail) from exc
    if len(raw) > limit:
        raise BodyTooLarge(limit)
    return raw


def drain(request: HttpRequest) -> None:
    """Read away what nobody has read of the body, up to ``DRAIN_BYTES_MAX``; for answers that are refusals.

    The web server closes a connection whose request was not read to its end, while the caller may be sending the
    next one on it: that one would get no answer.
    """
    left = min(_declared_length(request), DRAIN_BYTES_MAX)
    if left <= 0 or not _draining.acquire(timeout=0.1):
        return
    try:
        while left > 0 and (chunk := request.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
    except OSError:
        # The client is gone: nobody is left to be spared a broken connection.
        return
    finally:
        _draining.release()
