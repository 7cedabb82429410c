"""The client for threads is the one for asyncio without asyncio: the same methods with the same arguments."""

import inspect

import pytest
from orgbilling_client import AsyncClient, AsyncHeldCredits, Client, HeldCredits

from tests.client.unasync import SOURCE, TARGET, modules, threaded


@pytest.mark.parametrize("name", modules())
def test_what_is_made_is_up_to_date(name):
    made = (TARGET / name).read_text()

    assert made == threaded((SOURCE / name).read_text()), "python -m tests.client.unasync"


def test_nothing_else_is_there():
    assert {path.name for path in TARGET.glob("*.py")} == {
        path.name for path in SOURCE.glob("*.py")
    }


@pytest.mark.parametrize(
    ("made", "source"), [(Client, AsyncClient), (HeldCredits, AsyncHeldCredits)]
)
def test_both_have_the_same_methods(made, source):
    def arguments(kind):
        return {
            {"aclose": "close"}.get(name, name): list(inspect.signature(method).parameters.items())
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    theirs, ours = arguments(source), arguments(made)
    assert ours.keys() == theirs.keys()
    for name, parameters in ours.items():
        assert [one for one, _ in parameters] == [one for one, _ in theirs[name]]
