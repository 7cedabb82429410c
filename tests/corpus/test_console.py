"""The corpus in every address, query parameter and form field of the console: no failure, no text that becomes
markup, nothing written by a page that is shown again.

Addresses come from the site, parameters from the pages' links and forms and from what lists read, fields from the
forms as a browser sees them, hidden ones and buttons too.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import models
from django.test import Client

from tests.console.addresses import Address, Place, places
from tests.corpus.console import LEFT_OUT, World, page
from tests.corpus.forms import Form, Page
from tests.corpus.room import led_on
from tests.corpus.values import DAYS, PARAMETERS, PATH_PARTS, QUERIES, TEXTS, share

pytestmark = [
    pytest.mark.django_db(databases=["default", "counters"]),
    # A moment without a zone in an address is one of UTC.
    pytest.mark.filterwarnings("ignore:.*received a naive datetime:RuntimeWarning"),
]

#: No divisor of how many addresses a table has, so that lists come to all of them.
SHARDS = 5
SHARD = pytest.mark.parametrize("shard", range(SHARDS))
#: Read by every list of the admin, whether or not a link says so.
OF_LISTS = ("q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "nobody_knows_this")
LOOKUPS = ("exact", "gte", "in", "isnull", "year", "regex", "contains")
#: Of a form's field and of a part of a path, of a parameter: how many the suite tries, others each time.
TRIED = 2
TRIED_IN_QUERIES = 1


@pytest.fixture
def world(db):
    return World()


def pages(world: World, address: Address) -> Iterator[tuple[Client, Page]]:
    """The page as each browser sees it, if it does."""
    for client in world.browsers:
        answer = client.get(address.path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            yield client, Page(address.path, answer.content.decode())


@SHARD
def test_every_field_of_every_form(world, room, shard):
    turn, seen = shard, set()
    for address in world.own()[shard::SHARDS]:
        for client, shown in pages(world, address):
            for form in shown.forms:
                place = (form.method, form.action, tuple(form.names))
                if form.method != "post" or place in seen or form.action in LEFT_OUT:
                    continue
                seen.add(place)
                for sent in fillings(form, turn):
                    turn += 1
                    told = next((f"{name}={value}" for name, value in sent.items()), "")
                    send = lambda: client.post(form.action, sent)  # noqa: B023, E731
                    room.ask(send, page, f"POST {form.action}", told, str(sent)[-80:], done=led_on)
                room.nothing_written(f"POST {form.action}")
    assert not room.wrong, str(room)
    assert room.asked > 20


def fillings(form: Form, turn: int) -> Iterator[dict[str, Any]]:
    """Forms with one field that is wrong, with all that are, with too many, and with none."""
    texts = (*TEXTS, *DAYS)
    yield {}
    yield form.filled()
    for name in form.names:
        if name == "csrfmiddlewaretoken":
            continue
        turn += 1
        for value in share(texts, turn, TRIED):
            yield {name: [value], **{k: v for k, v in form.filled().items() if k != name}}
        yield {**form.filled(), name: [*form.values.get(name, []), "x", "y"]}
        confirmed = share(texts, turn + 1, 1)[0]
        yield {**form.filled(), name: [confirmed], "confirmed": ["1"]}
    for value in share(texts, turn, TRIED):
        yield {name: [value] for name in form.names}


@SHARD
def test_every_parameter_of_every_page(world, room, shard):
    turn = shard
    for address in world.own()[shard::SHARDS]:
        for client, shown in pages(world, address):
            turn += 1
            names = parameters(address, shown, turn)
            if client is world.browsers[-1] and address.place.list:
                names += lookups(address.place.model, turn)
            for name in names:
                turn += 1
                for value in share(PARAMETERS, turn, TRIED_IN_QUERIES):
                    path = f"{address.path}?{name}={value}"
                    room.ask(lambda: client.get(path), page, path)  # noqa: B023
            for query in share(QUERIES, turn, 1):
                path = f"{address.path}?{query}"
                room.ask(lambda: client.get(path), page, path)  # noqa: B023
    room.nothing_written("GET")
    assert not room.wrong, str(room)
    assert room.asked > 30


def parameters(address: Address, shown: Page, turn: int) -> list[str]:
    """What the page may read of its query: what its links and its forms' fields are called, and what lists read."""
    names = list(shown.queries.get(address.path, []))
    for form in shown.forms:
        # A page begins with what its address says: fields of forms are parameters too.
        names += [name for name in form.names if form.action == address.path]
    if address.place.list and address.place.model is not None:
        names += share(OF_LISTS, turn, 4)
    return [name for name in dict.fromkeys(names) if name and name != "csrfmiddlewaretoken"]


def lookups(model: type[models.Model], turn: int) -> Iterator[str]:
    """One field of each kind, looked up in several ways: lookups belong to kinds."""
    for one in {type(each): each for each in model._meta.concrete_fields}.values():
        turn += 1
        yield from (f"{one.name}__{lookup}" for lookup in share(LOOKUPS, turn, 1))


def test_every_part_of_every_address(world, room):
    turn = 0
    for place in places():
        for name in place.arguments:
            for value in share(PATH_PARTS, turn, TRIED):
                turn += 1
                path = "/admin/" + place.route.format(**{**filled(world, place), name: value})
                path = quote(path, safe="%/'-_.:?=&")
                room.ask(lambda: world.browsers[1].get(path), page, path)  # noqa: B023
    room.nothing_written("GET")
    assert not room.wrong, str(room)
    assert room.asked > 100


def filled(world: World, place: Place) -> dict[str, str]:
    """An address's arguments, each of a row that exists."""
    return {name: world.filler.values(place, name)[0][1] for name in place.arguments}


def test_nobody_signs_in_with_a_name_that_no_account_can_have(world, room):
    outside = Client(raise_request_exception=False)
    for name in ("\x00", "a" * 10_000, "a@example.com\x00", "\x85"):
        sent = {"username": name, "password": name}
        send = lambda: outside.post("/admin/login/", sent)  # noqa: B023, E731
        answer = room.ask(send, page, name, done=led_on)
        assert answer.status_code == 200
    room.nothing_written("POST /admin/login/")
    assert not room.wrong, str(room)
