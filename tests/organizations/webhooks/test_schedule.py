"""When a delivery is tried again, how long an endpoint rests, and whose turn it is."""

from datetime import timedelta

import pytest

from organizations.delivering.working import chosen_of
from organizations.managers.webhook_deliveries import Due
from organizations.webhooks.posting import _retry_after
from organizations.webhooks.schedule import JITTER, SCHEDULE, pause_after, rest_after
from orgbilling.lib.ids import uuid7


@pytest.mark.parametrize("step", range(1, len(SCHEDULE)))
def test_each_pause_is_the_standard_s_give_or_take_a_fifth(step):
    pauses = {pause_after(step) for _ in range(50)}
    assert len(pauses) > 1
    assert all(
        SCHEDULE[step] * (1 - JITTER) <= one <= SCHEDULE[step] * (1 + JITTER) for one in pauses
    )


def test_after_the_last_there_is_none():
    assert pause_after(len(SCHEDULE)) is None
    assert sum(SCHEDULE, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)


def test_what_a_receiver_asks_for_is_waited_for_and_not_for_ever():
    assert pause_after(1, asked=timedelta(hours=1)) == timedelta(hours=1)
    assert pause_after(1, asked=timedelta(days=9)) == timedelta(hours=24)
    assert pause_after(2, asked=timedelta(seconds=1)) >= timedelta(minutes=4)


def test_an_endpoint_rests_longer_the_longer_it_fails():
    rests = [rest_after(failures).total_seconds() for failures in (1, 2, 3, 4, 5, 8, 9, 10, 10**6)]
    assert rests == [0, 0, 5, 10, 20, 160, 300, 300, 300]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"120", 120),
        (b"0", 0),
        (b" 7 ", 7),
        (b"99999999999999999999999", 10**8),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (b"", None),
        (b"-5", None),
        (b"soon", None),
        ("١٢".encode(), None),
    ],
)
def test_retry_after_in_either_form(text, seconds):
    asked = _retry_after(text)
    assert asked == (None if seconds is None else timedelta(seconds=seconds))


class TestTurns:
    def due(self, org, endpoint=None, *, failing=False):
        return Due(org, uuid7(), endpoint or uuid7(), failing)

    def test_one_endpoint_has_two_places_and_a_failing_one_one(self):
        org, well, ill = uuid7(), uuid7(), uuid7()
        found = [self.due(org, well) for _ in range(5)]
        found += [self.due(org, ill, failing=True) for _ in range(5)]
        chosen = chosen_of(found, [], 8)
        assert [due.endpoint_id for due in chosen] == [well, well, ill]
        # With two under way there is none left.
        assert [due.endpoint_id for due in chosen_of(found, found[:2], 8)] == [ill]

    def test_those_that_fail_have_half_of_the_places_together(self):
        org = uuid7()
        failing = [self.due(org, failing=True) for _ in range(20)]
        assert len(chosen_of(failing, [], 8)) == 4
        assert len(chosen_of(failing, failing[:4], 8)) == 0
        well = self.due(org)
        assert chosen_of([*failing, well], failing[:4], 8) == [well]

    def test_an_organization_with_many_leaves_room_for_the_others(self):
        many, few = uuid7(), uuid7()
        found = [self.due(many) for _ in range(50)] + [self.due(few) for _ in range(2)]
        chosen = chosen_of(found, [], 8)
        assert sum(due.org_id == few for due in chosen) == 2
        assert len(chosen) == 8

    def test_one_organization_never_has_all_places(self):
        many = uuid7()
        stalling = [self.due(many) for _ in range(40)]
        chosen = chosen_of(stalling, [], 8)
        assert len(chosen) == 6
        # Another's event is sent at once, though each of those may last for its 15 seconds.
        other = self.due(uuid7())
        assert chosen_of([*stalling[6:], other], chosen, 8) == [other]
        assert len(chosen_of(stalling, [], 1)) == 1

    def test_one_that_fails_is_tried_however_many_work(self):
        found = [self.due(uuid7()) for _ in range(20)]
        failing = self.due(found[0].org_id, failing=True)
        chosen = chosen_of([*found, failing], [], 8)
        assert len(chosen) == 8
        assert chosen[-1] == failing
        # One is under way: the next place is nobody's in advance.
        assert chosen_of([*found[7:], self.due(uuid7(), failing=True)], chosen[1:], 8) == [found[7]]

    def test_there_is_no_more_than_there_is_room_for(self):
        org = uuid7()
        assert chosen_of([self.due(org)], [self.due(org) for _ in range(8)], 8) == []
