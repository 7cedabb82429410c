"""Every operation of the API with a call of it that is good, read from the OpenAPI document.

What is added to the API is tried with the corpus without anybody having to remember.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator

JSON: Final = "application/json"
#: Where a field's text is put; no example contains it.
_HERE: Final = "@@ here @@"
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Operation:
    """A method of a path.

    `fields` are the places of everything that a body may have, nested ones too; `bodies` are good
    ones; `answers` are the media types that the document has for each status.
    """

    method: str
    path: str
    fields: tuple[Path, ...]
    bodies: tuple[Mapping[str, Any], ...]
    parameters: tuple[str, ...]
    headers: tuple[str, ...]
    path_ids: tuple[str, ...]
    answers: Mapping[int, frozenset[str]]

    @property
    def body(self) -> Mapping[str, Any]:
        """The good body."""
        return self.bodies[0] if self.bodies else {}

    def with_value(self, field: Path, json_text: str) -> bytes:
        """A good body with one field written as it is in JSON, good or not."""
        body = next((one for one in self.bodies if _has(one, field)), self.body)
        return json.dumps(_put(body, field)).replace(json.dumps(_HERE), json_text).encode()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@cache
def document() -> Any:
    """The OpenAPI document that the code makes."""
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(known: Mapping[str, str]) -> list[Operation]:
    """All of them, with the ids `known` in paths and bodies."""
    return [
        _operation(method.upper(), path, described, known)
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
    ]


def _operation(method: str, path: str, described: Any, known: Mapping[str, str]) -> Operation:
    named: dict[str, list[str]] = {place: [] for place in ("path", "query", "header")}
    for parameter in described.get("parameters", ()):
        named[parameter["in"]].append(parameter["name"])
    for name in named["path"]:
        path = path.replace(f"{{{name}}}", known[name])
    paged = ["cursor"] if "page_size" in named["query"] else []
    schema, bodies = _body(described.get("requestBody"), known)
    return Operation(
        method,
        path,
        tuple(_fields(schema)),
        bodies,
        (*named["query"], *(name for name in paged if name not in named["query"])),
        tuple(named["header"]),
        tuple(known[name] for name in named["path"]),
        {int(status): _media(answer) for status, answer in described["responses"].items()},
    )


def _resolved(node: Any) -> Any:
    while "$ref" in node:
        found = document()
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def _media(answer: Any) -> frozenset[str]:
    return frozenset(_resolved(answer).get("content", {}))


def _body(request: Any, known: Mapping[str, str]) -> tuple[Any, tuple[Mapping[str, Any], ...]]:
    if request is None:
        return {}, ()
    media = request["content"][JSON]
    schema = _resolved(media["schema"])
    examples = [example["value"] for example in media.get("examples", {}).values()]
    bodies = examples or [dict.fromkeys(schema["required"], "good-name")]
    return schema, tuple(with_known(body, known) for body in bodies)


def with_known(node: Any, known: Mapping[str, str]) -> Any:
    """A body with the ids that are known, in the items of a batch too."""
    if isinstance(node, list):
        return [with_known(one, known) for one in node]
    if not isinstance(node, Mapping):
        return node
    return {name: known.get(name) or with_known(value, known) for name, value in node.items()}


def _fields(schema: Any, path: Path = ()) -> Iterator[Path]:
    schema = _resolved(schema)
    for name, described in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _fields(described, (*path, name))
    if "items" in schema:
        yield (*path, 0)
        yield from _fields(schema["items"], (*path, 0))


def _has(node: Any, path: Path) -> bool:
    for name in path:
        if isinstance(node, list):
            if not node:
                return False
        elif not isinstance(node, Mapping) or name not in node:
            return False
        node = node[name]
    return True


def _put(node: Any, path: Path) -> Any:
    if not path:
        return _HERE
    name, rest = path[0], path[1:]
    if isinstance(name, int):
        there = list(node) if isinstance(node, list) and node else [None]
        return [_put(there[0], rest), *there[1:]]
    there_too = dict(node) if isinstance(node, Mapping) else {}
    return {**there_too, name: _put(there_too.get(name), rest)}
