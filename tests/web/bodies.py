"""Bodies drawn for a serializer: well formed, nearly so, and anything at all."""

from hypothesis import strategies as st

import billing.urls  # noqa: F401 - so that every serializer is there to be found
import credits.urls  # noqa: F401
import organizations.urls  # noqa: F401
from orgbilling.web.fields import (
    CREDITS_MAX,
    MetadataField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)

#: What the parser lets through.
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
TEXTS = st.one_of(
    STORABLE,
    st.sampled_from(
        ["", " ", "a", "\x00", "\ud800", "é", "😀" * 100, "a" * 101, "a" * 255, "a" * 1001]
    ),
)
INTEGERS = st.one_of(
    st.integers(),
    st.sampled_from([0, 1, -1, CREDITS_MAX, CREDITS_MAX + 1, 86_400, 86_401, 10**30]),
)
IDS = st.uuids().flatmap(
    lambda one: st.sampled_from(
        [
            str(one),
            str(one).upper(),
            one.hex,
            f"{{{one}}}",
            f"urn:uuid:{one}",
            f" {one}",
            str(one)[:-1] + "g",
        ]
    )
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | INTEGERS
    | st.floats(allow_nan=False, allow_infinity=False)
    | STORABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STORABLE, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.one_of(
    st.just({}),
    st.dictionaries(STORABLE, ANYTHING, max_size=3),
    st.integers(8_170, 8_200).map(lambda size: {"a": "b" * size}),
)
FITTING = {
    StrictUUIDField: st.uuids().map(str),
    StrictIntegerField: st.integers(1, 900),
    StrictBooleanField: st.booleans(),
    StrictCharField: st.text("abcé😀 ", min_size=1, max_size=20),
    MetadataField: OBJECTS,
}
NEAR = {
    StrictUUIDField: IDS,
    StrictIntegerField: INTEGERS,
    StrictBooleanField: st.sampled_from([0, 1, "true", None]),
    StrictCharField: TEXTS,
    MetadataField: st.lists(st.just(1), max_size=1) | TEXTS,
}


def bodies(serializer):
    """Bodies of a serializer's names, mostly fitting, with some absent, near misses and strangers."""
    return st.one_of(_bodies(serializer), ANYTHING)


@st.composite
def _bodies(draw, serializer):
    body = {}
    wrong = draw(st.sampled_from([0, 0, 1, 2]))
    for name, field in serializer.fields.items():
        if field.required or draw(st.booleans()):
            body[name] = draw(_of(field, FITTING))
    names = st.sampled_from([*serializer.fields, "other"])
    for name in draw(st.lists(names, min_size=wrong, max_size=wrong)):
        how = draw(st.sampled_from(["near", "anything", "null", "gone", "stranger"]))
        if how == "near" and name in serializer.fields:
            body[name] = draw(_of(serializer.fields[name], NEAR))
        elif how == "anything":
            body[name] = draw(ANYTHING)
        elif how == "null":
            body[name] = None
        elif how == "gone":
            body.pop(name, None)
        else:
            body[f"{name}_"] = 1
    return {name: body[name] for name in draw(st.permutations(list(body)))}


def _of(field, table):
    for kind, strategy in table.items():
        if isinstance(field, kind):
            return strategy
    return ANYTHING


def recognizing():
    """The serializers of all apps that recognize bodies, by name."""
    found, waiting = set(), [StrictSerializer]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if kind not in found and not kind.__module__.startswith("tests."):
                found.add(kind)
                waiting.append(kind)
    found = {kind for kind in found if kind()._ordinary is not None}
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))
