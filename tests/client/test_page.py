"""The reference page names every method with its operation, and every exception with its answer."""

import inspect
from unittest.mock import MagicMock

from orgbilling_client import Client
from orgbilling_client.problems import BY_CODE

from orgbilling.web.problems import PROBLEMS
from tests.client import description
from tests.client.description import OPERATIONS
from tests.docs.markdown import ROOT, rows, section

PAGE = (ROOT / "docs/python-client.md").read_text()
BASE = "/api/v1/org-billing"
#: What isn't a call.
OTHERS = {"close", "request_context"}
#: Another form of a call.
BLOCKS = {"hold": "place_hold"}


def methods():
    return {
        name
        for name, _ in inspect.getmembers(Client, inspect.isfunction)
        if not name.startswith("_") and name not in OTHERS
    }


def operations():
    """Each method's operation and whether it takes a key, as the description and the signatures have it."""
    found = {}
    for operation, calls in OPERATIONS.items():
        method, path, _ = description.operations()[operation]
        for call in calls:
            client = MagicMock()
            call(client)
            ((name, _, _),) = client.method_calls
            found[name] = f"{method} {path.removeprefix(BASE)}"
    return found


def takes_key(name):
    return "idempotency_key" in inspect.signature(getattr(Client, name)).parameters


def test_every_method_is_in_the_table():
    table = {name.strip("`"): cells for name, *cells in rows(section(PAGE, "## Methods"))}

    assert table.keys() == methods() == operations().keys() | BLOCKS.keys()
    for name, (operation, key) in table.items():
        expected = operations()[BLOCKS.get(name, name)]
        assert operation.split("`")[1] == expected, name
        assert (key == "yes") is takes_key(name), name


def test_every_exception_is_in_the_table():
    table = {tuple(cell.strip("`") for cell in row) for row in rows(section(PAGE, "## Exceptions"))}
    classes = {
        (kind.__name__, kind.__base__.__name__, f"{PROBLEMS[code].status} {code}")
        for code, kind in BY_CODE.items()
    }

    assert table == classes
