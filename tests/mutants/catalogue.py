"""The mutants: what each takes away, and the smallest part of the tests that must notice."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models

from tests.mutants.altering import Alteration, Constraint, Text

CHECKS = "tests/verification/test_checks.py::test_a_row_that_breaks_a_check_is_refused"
UNIQUES = "tests/verification/test_uniques.py::test_a_second_row_is_refused"


@dataclass(frozen=True)
class Mutant:
    """A ledger without one of its guards.

    Attributes:
        what: what is taken away.
        tests: node ids that pass with the guard in place, at least one of which fails without it.
    """

    name: str
    what: str
    alterations: tuple[Alteration, ...]
    tests: tuple[str, ...]


def mutants() -> dict[str, Mutant]:
    """All of them by name, in the order in which they are run."""
    # They make mutants themselves.
    from tests.mutants.guards import GUARDS  # noqa: PLC0415
    from tests.mutants.rules import RULES  # noqa: PLC0415
    from tests.mutants.summing import SUMMING  # noqa: PLC0415

    return {mutant.name: mutant for mutant in (*GUARDS, *RULES, *SUMMING, *_constraints())}


def text(name: str, what: str, function: str, old: str, new: str, *tests: str) -> Mutant:
    """A SQL function that says something else in one place."""
    return Mutant(name, what, (Text(function, ((old, new),)),), tests)


def _constraints() -> Iterator[Mutant]:
    """Every CHECK and every unique constraint that a model declares, but for (org, id).

    That one is what foreign keys point to; `id` is unique by itself.
    """
    for app in ("credits", "billing"):
        for model in apps.get_app_config(app).get_models():
            for constraint in model._meta.constraints:
                table, name = model._meta.db_table, constraint.name
                gone = (Constraint(table, name),)
                if isinstance(constraint, models.CheckConstraint):
                    what = f"the CHECK {name} of {table}"
                    yield Mutant(f"check:{name}", what, gone, (f"{CHECKS}[{name}]",))
                elif isinstance(constraint, models.UniqueConstraint) and not is_key(constraint):
                    what = f"the unique {name} of {table}"
                    yield Mutant(f"unique:{name}", what, gone, (f"{UNIQUES}[{name}]",))


def is_key(constraint: models.UniqueConstraint) -> bool:
    """Whether it is (org, id)."""
    return tuple(constraint.fields) == ("org", "id")
