"""Objects and parameters as the official client defines them."""

import typing
from types import NoneType
from typing import Any


def fields(kind: type) -> dict[str, bool]:
    """The fields of a class of the client's, and whether each may be null."""
    return {
        name: NoneType in typing.get_args(annotation)
        for name, annotation in kind.__annotations__.items()
        if typing.get_origin(annotation) is not typing.ClassVar
    }


def shaped(kind: type, **values: Any) -> dict[str, Any]:
    """An object of this class: what may be null is, unless it is given; what may not be has to be given."""
    known = fields(kind)
    assert set(values) <= set(known), f"{kind.__qualname__} has no {set(values) - set(known)}"
    nulls = {name: None for name, nullable in known.items() if nullable and name != "deleted"}
    made = {**nulls, **values}
    missing = [name for name, nullable in known.items() if not nullable and made.get(name) is None]
    assert missing == [], f"{kind.__qualname__} needs {missing}"
    return made


def unknown_parameters(kind: Any, given: dict[str, Any]) -> list[str]:
    """What a request sends that the client's type for its parameters doesn't name."""
    return sorted(set(given) - set(kind.__annotations__))


def missing_parameters(kind: Any, given: dict[str, Any]) -> list[str]:
    """What the client's type says has to be sent."""
    return sorted(kind.__required_keys__ - set(given))
