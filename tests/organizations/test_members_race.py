"""Owners who unmake each other at the same moment, on connections of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from organizations.choices import Role
from organizations.errors import AlreadyMember, LastOwner
from organizations.models import Member, Organization, User
from orgbilling.lib.errors import PermissionRefused
from tests.concurrency.threads import await_lock
from tests.factories import as_principal, make_member, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(work: Callable[[], object]) -> str:
    """What became of a piece of work in a thread of its own, by the class of its refusal."""
    try:
        work()
    except (LastOwner, AlreadyMember, PermissionRefused) as exc:
        return type(exc).__name__
    finally:
        connection.close()
    return "done"


def together(*works: Callable[[], object]) -> list[str]:
    """Start the works at the same moment and return what became of each."""
    barrier = threading.Barrier(len(works))

    def start(work: Callable[[], object]) -> str:
        barrier.wait()
        return outcome(work)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(start, works))


def owners(org: Organization) -> int:
    return Member.objects.filter(org=org, role=Role.OWNER).count()


def test_an_owner_who_waited_sees_that_the_other_is_gone(
    alpha: Organization, alice: User, system_admin: User
):
    other, by = make_member(alpha, Role.OWNER).user, as_principal(system_admin)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Member.objects.change_role(alpha.id, alice.id, Role.MEMBER, by=by)
            second = pool.submit(
                outcome, lambda: Member.objects.change_role(alpha.id, other.id, Role.MEMBER, by=by)
            )
            await_lock(second.done)
        assert second.result(timeout=30) == "LastOwner"
    assert owners(alpha) == 1


def test_an_owner_who_left_cannot_unmake_another_any_more(alpha: Organization, alice: User):
    other = make_member(alpha, Role.OWNER).user
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Member.objects.change_role(alpha.id, alice.id, Role.MEMBER, by=as_principal(other))
            second = pool.submit(
                outcome,
                lambda: Member.objects.remove(alpha.id, other.id, by=as_principal(alice)),
            )
            await_lock(second.done)
        assert second.result(timeout=30) == "PermissionRefused"
    assert owners(alpha) == 1


@pytest.mark.parametrize("leaving", [1, 2, 3])
def test_owners_who_all_leave_at_once_leave_one(
    alpha: Organization, alice: User, system_admin: User, leaving: int
):
    people = [alice, *(make_member(alpha, Role.OWNER).user for _ in range(leaving))]
    by = as_principal(system_admin)
    results = together(
        *(lambda user=user: Member.objects.remove(alpha.id, user.id, by=by) for user in people)
    )
    assert sorted(results) == ["LastOwner"] + ["done"] * leaving
    assert owners(alpha) == 1


def test_an_owner_is_demoted_while_another_leaves(
    alpha: Organization, alice: User, system_admin: User
):
    other, by = make_member(alpha, Role.OWNER).user, as_principal(system_admin)
    results = together(
        lambda: Member.objects.remove(alpha.id, alice.id, by=by),
        lambda: Member.objects.change_role(alpha.id, other.id, Role.ADMIN, by=by),
    )
    assert sorted(results) == ["LastOwner", "done"]
    assert owners(alpha) == 1


def test_a_person_added_by_many_at_once_is_a_member_once(alpha: Organization, system_admin: User):
    person, by = make_user(), as_principal(system_admin)
    results = together(*[lambda: Member.objects.add(alpha, person, by=by)] * 4)
    assert sorted(results) == ["AlreadyMember"] * 3 + ["done"]
    assert Member.objects.filter(org=alpha, user=person).count() == 1


def test_an_address_invited_by_many_at_once_is_one_account(db: None):
    results = together(*[lambda: User.objects.invite("dana@example.com")] * 4)
    assert results == ["done"] * 4
    assert User.objects.filter(email="dana@example.com").count() == 1


def test_a_person_whose_first_requests_come_at_once_has_one_account(db: None):
    seen: list[object] = []

    def sign_in() -> None:
        seen.append(
            User.objects.sign_in_with("iss|1", verified_email="dana@example.com", name="Dana")
        )

    assert together(*[sign_in] * 4) == ["done"] * 4
    assert seen == [User.objects.get(external_id="iss|1")] * 4
