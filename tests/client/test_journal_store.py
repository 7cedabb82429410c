"""The journal's file: what is kept stays, in order, once, whoever shares it."""

import os
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from orgbilling_client.calls import BASE
from orgbilling_client.journal import (
    Journal,
    JournalBusy,
    JournalConflict,
    JournalError,
    Kept,
    NoSuchEntry,
    State,
    owners,
)

DEDUCT = f"{BASE}/credits/deduct"
REFUSAL = {"status": 422, "code": "not_a_member", "detail": "Not a member."}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    with Journal(tmp_path / "charges.journal") as opened:
        yield opened


def call(number: int, credits: int = 50) -> Kept:
    body = f'{{"org_id": "o", "user_id": "u", "service_name": "s", "credits": {credits}}}'
    return Kept(DEDUCT, body, f"key-{number}", "request-1")


def keys(journal: Journal) -> list[str]:
    return [entry.key for entry in journal.due()]


def test_what_is_kept_is_there_after_the_file_is_opened_again(journal: Journal) -> None:
    for number in range(3):
        journal.keep(call(number), "unreachable")
    journal.close()
    with Journal(journal.path) as again:
        assert keys(again) == ["key-0", "key-1", "key-2"]
        assert again.pending() == 3
        first = again.entries()[0]
    assert (first.state, first.attempts, first.reason) == (State.PENDING, 1, "unreachable")
    assert first.call == call(0)


def test_each_commit_is_synced_to_the_disk(journal: Journal) -> None:
    with journal._database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_only_its_owner_reads_it(journal: Journal) -> None:
    journal.keep(call(1))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in journal.path.parent.glob("*journal*")}
    assert {mode & 0o077 for mode in modes} == {0}


def test_the_same_call_is_kept_once(journal: Journal) -> None:
    first, is_new = journal.keep(call(1))
    again, is_new_again = journal.keep(call(1))
    assert (is_new, is_new_again) == (True, False)
    assert again.number == first.number


def test_one_key_for_two_charges_is_refused(journal: Journal) -> None:
    journal.keep(call(1))
    with pytest.raises(JournalConflict, match="key-1"):
        journal.keep(call(1, credits=60))
    assert journal.pending() == 1


def test_a_settled_call_is_taken_off_and_its_number_isnt_used_again(journal: Journal) -> None:
    entry, _ = journal.keep(call(1))
    journal.settle(entry)
    assert journal.entries() == []
    later, _ = journal.keep(call(2))
    assert later.number == entry.number + 1


def test_what_is_at_work_is_not_replayed_until_its_process_ends(journal: Journal) -> None:
    other = Journal(journal.path, write_ahead=True)
    other.keep(call(1), at_work=True)
    assert keys(journal) == []
    assert journal.pending() == 1
    # The kernel does as much when a process is killed.
    assert other._owner is not None
    owners._close(other._owner._handle)
    assert keys(journal) == ["key-1"]
    other._owner = None
    other.close()


def test_what_could_not_be_sent_is_there_for_everybody(journal: Journal) -> None:
    entry, _ = journal.keep(call(1), at_work=True)
    journal.put_back(entry, "timed out")
    assert keys(journal) == ["key-1"]
    assert journal.entries()[0].attempts == 1


def test_a_refused_call_waits_for_a_person(journal: Journal) -> None:
    entry, _ = journal.keep(call(1))
    journal.refuse(entry, "Not a member.", REFUSAL)
    assert keys(journal) == []
    assert journal.refused() == 1
    with pytest.raises(NoSuchEntry):
        journal.retry(entry.number + 1)
    assert journal.retry(entry.number).key == "key-1"
    assert keys(journal) == ["key-1"]
    with pytest.raises(NoSuchEntry, match="pending"):
        journal.retry(entry.number)


def test_after_a_402_it_is_sent_with_another_key_each_time(journal: Journal) -> None:
    entry, _ = journal.keep(call(1))
    used = set()
    for _ in range(3):
        journal.refuse(entry, "Too few credits.", {"status": 402, "code": "insufficient_credits"})
        used.add(journal.retry(entry.number).key)
    assert len(used) == 3
    assert "key-1" not in used


def test_only_a_refused_call_can_be_dismissed_and_it_stays(journal: Journal) -> None:
    entry, _ = journal.keep(call(1))
    with pytest.raises(NoSuchEntry, match="pending"):
        journal.dismiss(entry.number, "mistake")
    journal.refuse(entry, "Not a member.", REFUSAL)
    journal.dismiss(entry.number, "paid by invoice")
    (kept,) = journal.entries()
    assert (kept.state, kept.reason) == (State.DISMISSED, "paid by invoice")
    assert kept.problem == REFUSAL


def test_one_replays_at_a_time(journal: Journal) -> None:
    other = Journal(journal.path)
    with journal.alone(), pytest.raises(JournalBusy), other.alone():
        pass
    other.close()
    with journal.alone():
        pass


def test_threads_share_one(journal: Journal) -> None:
    def keep(first: int) -> None:
        for number in range(first, first + 20):
            entry, _ = journal.keep(call(number), at_work=True)
            journal.put_back(entry, "")

    threads = [threading.Thread(target=keep, args=[first]) for first in range(0, 80, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(keys(journal)) == sorted(f"key-{number}" for number in range(80))


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database, and long enough to be seen as none." * 20)
    with pytest.raises(JournalError, match="not a database"):
        Journal(path)
    with pytest.raises(JournalError, match="can't be opened"):
        Journal(tmp_path / "no folder" / "charges.journal")


def test_a_journal_of_a_newer_version_is_left_alone(journal: Journal) -> None:
    journal.close()
    connection = sqlite3.connect(journal.path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(JournalError, match="version 2"):
        Journal(journal.path)


def forked(work: Callable[[], object]) -> int:
    """A child that does the work and ends as one that is killed: nothing is closed. Whatever happens, it ends there.

    One that went on would be this test run a second time.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def test_what_a_forked_child_keeps_outlives_the_parents_closing(journal: Journal) -> None:
    kept_read, kept_write = os.pipe()
    closed_read, closed_write = os.pipe()

    def keep_two() -> None:
        journal.keep(call(1))
        os.write(kept_write, b".")
        os.read(closed_read, 1)
        journal.keep(call(2))

    child = forked(keep_two)
    os.read(kept_read, 1)
    journal.close()
    os.write(closed_write, b".")
    os.waitpid(child, 0)
    assert keys(journal) == ["key-1", "key-2"]


def test_a_fork_waits_for_a_transaction_of_another_thread(journal: Journal) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with journal._database.transaction():
            inside.set()
            go_on.wait()

    writer = threading.Thread(target=write)
    writer.start()
    inside.wait()
    threading.Timer(0.2, go_on.set).start()

    def keep() -> None:
        signal.alarm(20)
        journal.keep(call(1))

    child = forked(keep)
    writer.join()
    assert os.waitpid(child, 0)[1] == 0
    assert keys(journal) == ["key-1"]


def test_a_forked_child_keeps_no_lock_of_whoever_replays(journal: Journal) -> None:
    end_read, end_write = os.pipe()

    def wait() -> None:
        os.close(end_write)
        os.read(end_read, 1)

    with journal.alone():
        child = forked(wait)
    try:
        with journal.alone():
            pass
    finally:
        os.close(end_write)
        assert os.waitpid(child, 0)[1] == 0


def test_a_forked_child_doesnt_stand_for_a_parent_that_died_at_work(journal: Journal) -> None:
    end_read, end_write = os.pipe()

    def work() -> None:
        os.close(end_write)
        journal.keep(call(1), at_work=True)
        forked(lambda: os.read(end_read, 1))

    assert os.waitpid(forked(work), 0)[1] == 0
    try:
        assert keys(journal) == ["key-1"]
    finally:
        os.close(end_write)
