"""Every address of the console, walked by everybody: nobody meets a row that isn't theirs to see, and nothing breaks.

The addresses come from the site itself: a new page is walked without a word here, and one whose argument is unknown
fails until `tests/console/addresses.py` can fill it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib import admin
from django.test import Client

from organizations.models import Organization, User
from tests.authorization.tenants import undone
from tests.console.addresses import Address, Filler, mine_and_theirs, places
from tests.console.marked import WORDS, Tenant, tenant_models
from tests.factories import make_user

pytestmark = pytest.mark.django_db(databases=["default", "counters"])

REFUSED = {403, 404, 405}
#: What is sent to a page: nothing, an empty form, and one that is confirmed without having been reviewed.
SENT: tuple[dict[str, str] | None, ...] = (
    None,
    {},
    {"confirmed": "1", "key": "01890000-0000-7000-8000-0000000000aa"},
)
#: Open to those who have not signed in.
OUTSIDE = {"/admin/login/": 200, "/admin/logout/": 302}
INSIDE = ("owner", "admin", "billing_admin", "member")
WALKERS = (*INSIDE, "stranger", "nobody", "system_admin", "anonymous")
LIMITED = tuple(name for name in WALKERS if name not in {"system_admin", "anonymous"})


class World:
    """Both tenants, and everybody who walks; the first tenant is the walkers' own."""

    def __init__(self) -> None:
        self.own, self.other = (Tenant(word) for word in WORDS)
        self.filler = Filler(self.own, self.other)
        self.users: dict[str, User] = {
            **{name: self.own.people[name] for name in INSIDE},
            "stranger": self.other.people["owner"],
            "nobody": make_user("nobody@nowhere.example", "Nobody"),
            "system_admin": make_user("root@example.com", "Root", is_staff=True, is_superuser=True),
        }

    def client(self, name: str) -> Client:
        """A browser in which the person is signed in."""
        client = Client(raise_request_exception=False)
        if name in self.users:
            client.force_login(self.users[name])
        return client

    def secrets(self, name: str) -> dict[str, str]:
        """What the person may meet on no page, and what it is."""
        secrets: dict[str, str] = {}
        if name == "system_admin":
            return secrets
        if name not in INSIDE:
            secrets |= self.own.secrets()
        if name != "stranger":
            secrets |= self.other.secrets()
        if name == "member":
            secrets |= self.own.secrets_from_members()
        return secrets


@pytest.fixture
def world(db: None) -> World:
    """Everybody and everything."""
    return World()


def leaks(path: str, answer: object, secrets: dict[str, str]) -> list[str]:
    """The secrets in an answer's page and headers, without those that the address itself says."""
    said = unquote(path).lower()
    page = f"{body(answer)} {dict(answer.headers)}".lower()  # type: ignore[attr-defined]
    found = (secret for secret in secrets if secret in page and secret not in said)
    return sorted({f"{secrets[secret]}: {secret}" for secret in found})


def body(answer: object) -> str:
    """The whole page, a streamed one too."""
    if answer.streaming:  # type: ignore[attr-defined]
        return b"".join(answer.streaming_content).decode(errors="replace")  # type: ignore[attr-defined]
    return answer.content.decode(errors="replace")  # type: ignore[attr-defined]


def asked(world: World) -> Iterator[tuple[str, Address]]:
    """Every path, lists with every query too."""
    for address in world.filler.addresses():
        yield address.path, address
        if address.place.list:
            for query in world.filler.queries(address.place):
                yield f"{address.path}?{query}", address
    for model, page in admin.site._registry.items():
        for field in {*page.autocomplete_fields, *(f.name for f in model._meta.fields)}:
            query = f"app_label={model._meta.app_label}&model_name={model._meta.model_name}"
            yield f"/admin/autocomplete/?{query}&field_name={field}&term=", address


@pytest.mark.parametrize("name", WALKERS)
def test_nobody_meets_what_is_not_theirs(world: World, name: str) -> None:
    client, secrets = world.client(name), world.secrets(name)
    wrong: dict[str, object] = {}
    statuses: Counter[int] = Counter()
    for path, _address in asked(world):
        answer = client.get(path)
        # "… with this ID doesn't exist" is said on the next page: an echo of what was typed.
        client.cookies.pop("messages", None)
        statuses[answer.status_code] += 1
        if answer.status_code >= 500:
            wrong[path] = answer.status_code
        elif found := leaks(path, answer, secrets):
            wrong[path] = found[:3]
        elif name == "anonymous" and not turned_away(path, answer):
            wrong[path] = answer.status_code
    assert not wrong, report(wrong)
    assert sum(statuses.values()) > 500
    if name != "anonymous":
        assert statuses[200] > 3, statuses


def report(wrong: dict[Any, object]) -> str:
    """A line for each address at which something is wrong."""
    return "\n".join(["", *(f"{where}: {what}" for where, what in wrong.items())])


def turned_away(path: str, answer: object) -> bool:
    """Whether the answer leads to the sign-in page, or is one of those before it."""
    if path in OUTSIDE:
        return answer.status_code == OUTSIDE[path]  # type: ignore[attr-defined]
    return (
        answer.status_code == 302  # type: ignore[attr-defined]
        and answer.headers["Location"].startswith("/admin/login/")  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("name", LIMITED)
def test_a_foreign_organizations_pages_are_closed(world: World, name: str) -> None:
    client, secrets = world.client(name), world.secrets(name)
    home = {"stranger": world.other.org, "nobody": None}.get(name, world.own.org)
    before = world.own.fingerprint(), world.other.fingerprint()
    wrong: dict[Any, object] = {}
    for address, at_home in pages_of_organizations(world, home):
        for sent in SENT:
            with undone():
                answer = (
                    client.get(address.path) if sent is None else client.post(address.path, sent)
                )
                after = world.own.fingerprint(), world.other.fingerprint()
            found = leaks(address.path, answer, secrets)
            client.cookies.pop("messages", None)
            # One's own page says of a foreign row what it says of one that doesn't exist: how is its own matter.
            refused = answer.status_code < 500 if at_home else answer.status_code in REFUSED
            if not refused or found or before != after:
                wrong[address.path, str(sent)] = answer.status_code, found
    assert not wrong, report(wrong)


def pages_of_organizations(
    world: World, home: Organization | None
) -> Iterator[tuple[Address, bool]]:
    """Pages of organizations that name something foreign or guessed, and whether the organization is one's own."""
    own = "foreign" if home == world.other.org else "own"
    for address in world.filler.addresses():
        if address.place.model is not None or "org_id" not in address.place.arguments:
            continue
        at_home = home is not None and f"/org/{home.pk}/" in address.path
        if not at_home or address.whose - {own}:
            yield address, at_home


@pytest.mark.parametrize("name", LIMITED)
def test_no_foreign_row_is_changed_from_a_list_or_its_own_page(world: World, name: str) -> None:
    client = world.client(name)
    victims = [world.other] if name in INSIDE else [world.own]
    if name == "nobody":
        victims = [world.own, world.other]
    before = [victim.fingerprint() for victim in victims]
    wrong = {}
    for path, sent in attempts(victims):
        with undone():
            answer = client.post(path, sent)
            after = [victim.fingerprint() for victim in victims]
        if answer.status_code >= 500 or before != after:
            wrong[path, str(sent)] = answer.status_code
    assert not wrong, report(wrong)


def attempts(victims: list[Tenant]) -> Iterator[tuple[str, dict[str, object]]]:
    """Every action with foreign rows chosen, or all rows, and what the pages of foreign rows send."""
    for model, page in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        actions = [getattr(action, "__name__", action) for action in page.actions or ()]
        for victim in victims:
            keys = [str(row.pk) for row in _chosen(victim, model)]
            for action in (*actions, "delete_selected"):
                sent = {"action": action, "_selected_action": keys, "index": "0"}
                yield base, {**sent, "select_across": "0"}
                yield base, {**sent, "select_across": "1", "post": "yes"}
            for key in keys:
                yield f"{base}{key}/delete/", {"post": "yes"}
                yield f"{base}{key}/change/", {"role": "owner", "name": "x", "org": key}
        yield f"{base}add/", {"org": str(victims[0].org.pk), "user": str(victims[0].member.pk)}


def _chosen(victim: Tenant, model: type) -> list[object]:
    return list(mine_and_theirs(victim, model)) if model in tenant_models() else []


def test_the_marks_are_seen_by_those_who_may(world: World) -> None:
    """The walk would find a leak: system admins find each tenant's word in its rows, owners their own."""
    client, owner = world.client("system_admin"), world.client("owner")
    listed = [place for place in places() if place.list and place.model in tenant_models()]
    assert len(listed) > 10
    for place in listed:
        page = body(client.get(f"/admin/{place.route}")).lower()
        assert [word for word in WORDS if word not in page] == [], place
    seen = [place for place in listed if WORDS[0] in body(owner.get(f"/admin/{place.route}"))]
    assert len(seen) > 8, seen
