"""The Accept header (RFC 9110, 12.5.1): only whether it leaves room for an answer."""

from __future__ import annotations

from functools import lru_cache

from orgbilling.web.refusals import NotAcceptable

_ALWAYS = ("application/json", "application/problem+json")


def check_accept(accept: str | None, produces: str) -> None:
    """Refuse a caller who accepts neither ``produces`` nor JSON.

    Raises:
        NotAcceptable: 406.
    """
    if accept is None or accept in {"*/*", "application/json", ""}:
        return
    if not _leaves_room(accept, produces):
        raise NotAcceptable(produces)


@lru_cache(maxsize=256)
def _leaves_room(accept: str, produces: str) -> bool:
    ranges = ranges_of(accept)
    return not ranges or any(quality(media, ranges) > 0 for media in {produces, *_ALWAYS})


def quality(media: str, ranges: list[tuple[str, float]]) -> float:
    """The weight that the most specific matching range gives ``media``, 0 when none matches."""
    kind = media.partition("/")[0]
    for wanted in (media, f"{kind}/*", "*/*"):
        weights = [weight for name, weight in ranges if name == wanted]
        if weights:
            return max(weights)
    return 0.0


def ranges_of(accept: str) -> list[tuple[str, float]]:
    """The media ranges of an Accept header with their weights, as sent."""
    return [_parsed(item) for item in accept[:2048].split(",") if item.strip()]


def _parsed(item: str) -> tuple[str, float]:
    name, *parameters = item.split(";")
    weight = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
    return name.strip().lower(), weight
