"""A foreign key from one row of an organization to another one of the same organization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact

_Set = TypeVar("_Set")
_Get = TypeVar("_Get")

COLUMN = "org_id"


class LedgerForeignKey(models.ForeignKey[_Set, _Get]):
    """A ForeignKey whose joins and look-ups compare the organization too, as the composite key in the database does.

    So the composite index answers, and on Citus, where the tables are cut by organization, the rows that meet are on
    one machine: a join by id alone would have to move them. Both models have an ``org``. Migrations see a ForeignKey.
    """

    def get_extra_restriction(self, alias: str | None, related_alias: str | None) -> Any:
        """What a join says beside the ids; ``alias`` is the named table, ``related_alias`` the one that names it."""
        if alias is None or related_alias is None:
            # A subquery that Django trims to the near table has no second one to compare with.
            return None
        return Exact(_org(alias, self.related_model), _org(related_alias, self.model))

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        """What ``row.other`` and ``row.others`` look for beside the id."""
        return {COLUMN: getattr(instance, COLUMN)}

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """An ordinary foreign key, without a constraint of its own."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs


def _org(alias: str, model: type[models.Model]) -> Col:
    field = cast("models.ForeignKey[Any, Any]", model._meta.get_field("org"))
    return Col(alias, field, field.target_field)
