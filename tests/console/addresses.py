"""Every address of the console, filled in with what is one's own, somebody else's, and guessed."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RegexPattern

from organizations.models import Organization
from tests.console.marked import APPS, Tenant

GUESSED: Final = "01890000-0000-7000-8000-000000000000"
#: What is below these is below an organization's address.
ORG: Final = "org_id"
#: Arguments that are called otherwise than the table whose rows they name.
TABLES: Final = {"entry": "auditentry"}
#: Arguments that name no row of ours.
ELSEWHERE: Final = {"method_id": "pm_0123456789", "url": "nothing/here"}


@dataclass(frozen=True)
class Place:
    """One pattern of the console: its route below /admin/, its arguments, the table that it belongs to."""

    route: str
    arguments: tuple[str, ...]
    model: type[models.Model] | None
    name: str | None

    @property
    def list(self) -> bool:
        """Whether it is a table's list."""
        return (self.name or "").endswith("_changelist")


@dataclass(frozen=True)
class Address:
    """A path, and whose rows it names: `own`, `foreign`, `guessed` or a mix of them."""

    path: str
    whose: frozenset[str]
    place: Place


def places() -> list[Place]:
    """All patterns of the site; the last two are expressions and said by hand."""
    return list(_walk(admin.site.get_urls(), "", None))


def _walk(
    patterns: list[URLPattern | URLResolver], prefix: str, model: type[models.Model] | None
) -> Iterator[Place]:
    registered = {f"{m._meta.app_label}/{m._meta.model_name}/": m for m in admin.site._registry}
    for pattern in patterns:
        if isinstance(pattern.pattern, RegexPattern):
            arguments = tuple(sorted(pattern.pattern.regex.groupindex))
            yield Place("".join(f"{{{name}}}/" for name in arguments), arguments, None, None)
            continue
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route, registered.get(route))
        else:
            converters = pattern.pattern.converters
            for name in converters:
                route = _named(route, name)
            yield Place(route, tuple(converters), model, pattern.name)


def _named(route: str, name: str) -> str:
    before, _, rest = route.partition(f"{name}>")
    return f"{before[: before.rindex('<')]}{{{name}}}{rest}"


class Filler:
    """Fills addresses with rows of one tenant as one's own and of the other as foreign."""

    def __init__(self, own: Tenant, foreign: Tenant) -> None:
        self.own, self.foreign = own, foreign

    def addresses(self) -> Iterator[Address]:
        """Every address, with every combination of whose rows it names."""
        for place in places():
            values = [self.values(place, name) for name in place.arguments]
            for chosen in product(*values):
                given = dict(zip(place.arguments, (value for _, value in chosen), strict=True))
                path = "/admin/" + place.route.format(**given)
                yield Address(path, frozenset(whose for whose, _ in chosen), place)

    def values(self, place: Place, name: str) -> list[tuple[str, str]]:
        """What an argument can be, each with whose it is.

        Raises:
            AssertionError: nobody has said what this argument is.
        """
        if name == "app_label":
            return [("own", app) for app in (*APPS, "procrastinate")]
        if name in ELSEWHERE:
            return [("guessed", ELSEWHERE[name])]
        model = self._model(place, name)
        assert model is not None, (
            f"/admin/{place.route} has an argument {name!r} that this walk can't fill. "
            "Say in tests/console/addresses.py what it is."
        )
        return self._rows(model)

    def _model(self, place: Place, name: str) -> type[models.Model] | None:
        if name in {"object_id", "id"} and place.model is not None:
            return place.model
        if name == ORG:
            return Organization
        word = name.removesuffix("_id").replace("_", "")
        word = TABLES.get(word, word)
        found = [m for app in APPS for m in apps.get_app_config(app).get_models()]
        return next((model for model in found if model._meta.model_name == word), None)

    def _rows(self, model: type[models.Model]) -> list[tuple[str, str]]:
        owned = hasattr(model, "org_id") or model._meta.label in {
            "organizations.User",
            "organizations.Organization",
        }
        guessed = ("guessed", GUESSED if _is_uuid(model) else "999999")
        if not owned:
            some = model._default_manager.order_by("pk").first()
            return [guessed] if some is None else [("own", str(some.pk)), guessed]
        found = [("foreign", str(_some(self.foreign, model).pk)), guessed]
        found += [("own", str(row.pk)) for row in mine_and_theirs(self.own, model)]
        return found

    def queries(self, place: Place) -> Iterator[str]:
        """Query strings of a list that try to widen it."""
        yield from ("q=" + self.foreign.word, "q=" + self.own.word, "all=", "e=1", "_popup=1")
        assert place.model is not None
        for field in place.model._meta.fields:
            if field.name in {"org", "org_id"}:
                yield f"{field.name}={self.foreign.org.pk}"
                yield f"{field.attname}__exact={self.foreign.org.pk}"
            if field.name == "user":
                yield f"user__id__exact={self.foreign.member.pk}"


def mine_and_theirs(tenant: Tenant, model: type[models.Model]) -> list[models.Model]:
    """A row about the plain member and one about somebody else, as far as the table tells people apart."""
    rows = tenant.rows(model)
    assert rows, f"No row of {model._meta.label}: let tests/console/marked.py make one."
    if not any(field.name == "user" for field in model._meta.fields):
        return [rows[0]]
    mine = rows.filter(user=tenant.member).first()
    theirs = rows.exclude(user=tenant.member).first()
    return [row for row in (mine, theirs) if row is not None]


def _some(tenant: Tenant, model: type[models.Model]) -> models.Model:
    return mine_and_theirs(tenant, model)[0]


def _is_uuid(model: type[models.Model]) -> bool:
    assert uuid.UUID(GUESSED)
    key: Any = model._meta.pk
    return isinstance(key, models.UUIDField | models.ForeignKey | models.OneToOneField)
