"""deploy/logs/ is well formed, as far as that can be said without Vector: it is no package that can be installed here.

Names of components and options are those of Vector's reference; anything else is a slip of the pen.
"""

import re
from typing import Any

import yaml

from tests.docs.markdown import ROOT

CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "deploy/logs/vector.yaml").read_text())
OPTIONS = {
    "docker_logs": {"type", "include_labels"},
    "remap": {"type", "inputs", "drop_on_error", "source"},
    "loki": {
        "type",
        "inputs",
        "endpoint",
        "labels",
        "encoding",
        "out_of_order_action",
        "buffer",
    },
}


def components() -> dict[str, dict[str, Any]]:
    return {
        name: component
        for kind in ("sources", "transforms", "sinks")
        for name, component in CONFIG[kind].items()
    }


def test_every_component_and_option_is_one_that_vector_has() -> None:
    assert set(CONFIG) == {"data_dir", "sources", "transforms", "sinks"}
    for component in components().values():
        assert set(component) == OPTIONS[component["type"]]


def test_every_input_is_there_and_every_component_leads_to_a_sink() -> None:
    read = {name for one in components().values() for name in one.get("inputs", [])}
    assert read == set(CONFIG["sources"]) | set(CONFIG["transforms"])


def test_the_program_has_known_functions_only() -> None:
    program: str = CONFIG["transforms"]["events"]["source"]
    assert set(re.findall(r"(\w+)!?\(", program)) == {
        "object",
        "parse_json",
        "string",
        "parse_timestamp",
        "del",
    }
    assert program.count("(") == program.count(")")


def test_the_containers_are_those_of_the_compose_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    (label,) = CONFIG["sources"]["containers"]["include_labels"]
    assert label == f"com.docker.compose.project={compose['name']}"


def test_labels_have_one_value_each() -> None:
    """A label taken from an event is an index of its own for each value, and newer versions of Vector refuse it."""
    assert "{{" not in str(CONFIG["sinks"]["loki"]["labels"])
