"""Every operation of the API with a call of it that is good, read from the OpenAPI document.

What is added to the API is tried with the nasty input without anybody having to remember.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.generators import SchemaGenerator


@dataclass(frozen=True)
class Operation:
    """A method of a path; `body` is a good body, `fields` are all that a body may have."""

    method: str
    path: str
    fields: tuple[str, ...]
    body: Mapping[str, Any]
    parameters: tuple[str, ...]
    path_ids: tuple[str, ...]


def operations(known: Mapping[str, str]) -> list[Operation]:
    """All of them, with the ids `known` in paths and bodies."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    return [
        operation_of(document, method.upper(), path, described, known)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def operation_of(
    document: Any, method: str, path: str, described: Any, known: Mapping[str, str]
) -> Operation:
    named = {place: [] for place in ("path", "query", "header")}
    for parameter in described.get("parameters", ()):
        named[parameter["in"]].append(parameter["name"])
    for name in named["path"]:
        path = path.replace(f"{{{name}}}", known[name])
    paged = ["cursor"] if "page_size" in named["query"] else []
    fields, body = body_of(document, described.get("requestBody"))
    return Operation(
        method,
        path,
        tuple(fields),
        with_known(body, known),
        (*named["query"], *paged),
        tuple(known[name] for name in named["path"]),
    )


def with_known(node: Any, known: Mapping[str, str]) -> Any:
    """A body with the ids that are known, in the items of a batch too."""
    if isinstance(node, list):
        return [with_known(one, known) for one in node]
    if not isinstance(node, Mapping):
        return node
    return {name: known.get(name) or with_known(value, known) for name, value in node.items()}


def body_of(document: Any, request: Any) -> tuple[list[str], dict[str, Any]]:
    if request is None:
        return [], {}
    media = request["content"]["application/json"]
    name = media["schema"]["$ref"].rsplit("/", 1)[1]
    schema = document["components"]["schemas"][name]
    examples = [example["value"] for example in media.get("examples", {}).values()]
    body = examples[0] if examples else dict.fromkeys(schema["required"], "good-name")
    return list(schema["properties"]), body


def with_value(body: Mapping[str, Any], field: str, json_text: str) -> bytes:
    """The body with one field written as it is in JSON, good or not."""
    others = {name: value for name, value in body.items() if name != field}
    start = json.dumps(others)[:-1]
    return f'{start}{", " if others else ""}"{field}": {json_text}}}'.encode()
