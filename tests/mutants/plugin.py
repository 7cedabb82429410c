"""pytest plugin: the session's database is migrated, then loses the guard named by ORGBILLING_MUTANT."""

import os
from collections.abc import Generator

import pytest
import pytest_django

#: What pytest ends with when the guard couldn't be taken away, so that this is never counted as a kill.
NOT_ALTERED = 77


@pytest.fixture(scope="session", autouse=True)
def mutated(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Generator[None]:
    from tests.mutants import altering  # noqa: PLC0415 - needs Django's apps
    from tests.mutants.catalogue import mutants  # noqa: PLC0415

    name = os.environ.get("ORGBILLING_MUTANT")
    if name:
        try:
            with django_db_blocker.unblock():
                altering.apply(mutants()[name].alterations)
        except Exception as exc:  # noqa: BLE001 - whatever it is, nothing was proved
            pytest.exit(f"{name}: {exc}", returncode=NOT_ALTERED)
    yield
    altering.kept.close()
