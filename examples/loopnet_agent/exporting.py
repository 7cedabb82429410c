"""Exports: work whose cost is known once it is done, so the most that it can cost is held first.

    step                     outside                      repeated, it …
    planned   → intended     nothing                      fixes the same key, body and number of records
    intended  → written      hold, with the key; file     finds the same hold again, replaces the file by the same
    written   → done         capture; the file's name     is answered with the first capture, finds the name given

The file gets its name after the capture, so that a file which is seen is a file which is paid. A hold doesn't live for
ever: when a run was dead for longer than that, the capture says so, nothing was charged, and the next attempt holds
anew under the next key. The hold is one ``with`` block: what fails inside gives it back at once, what is killed inside
leaves it to the next run or, failing that, to its expiry.
"""

from __future__ import annotations

from typing import Any

from orgbilling_client import HeldCredits, HoldNotPending, InsufficientCredits

from examples.loopnet_agent.journal import Journal
from examples.loopnet_agent.output import Output
from examples.loopnet_agent.provider import Record
from examples.loopnet_agent.stopping import OutOfCredits, Stopped
from examples.loopnet_agent.till import Till
from examples.loopnet_agent.units import Kind, State, Unit

COLUMNS = {
    "companies": ("company", "domain", "industry", "employees"),
    "contacts": ("domain", "role", "name", "email"),
}
MOST_ATTEMPTS = 20


class Exporter:
    """Writes the tables of a run."""

    def __init__(self, journal: Journal, till: Till, output: Output) -> None:
        self._journal, self._till, self._output = journal, till, output

    def finish(self, unit: Unit) -> None:
        """Bring an export to its end.

        Raises:
            Stopped: it can't be paid now.
            OrgBillingError: the service can't be reached or refuses for another reason.
        """
        last = unit.attempt + MOST_ATTEMPTS
        while unit.open:
            if unit.attempt > last:
                raise Stopped(f"{unit.id} was refused again and again.", "Try again later.")
            unit = self._intend(unit) if unit.state is State.PLANNED else self._export(unit)

    def _intend(self, unit: Unit) -> Unit:
        most = len(self._journal.units(_ROWS[unit.subject["table"]]))
        if most == 0:
            return self._journal.note(unit, State.DONE, outcome={"records": 0})
        check = self._till.check(unit.service, most)
        if not check:
            raise OutOfCredits(check.why)
        return self._journal.note(unit, State.INTENDED, request=self._till.request(unit, most))

    def _export(self, unit: Unit) -> Unit:
        try:
            with self._till.hold(unit) as hold:
                if unit.state is State.INTENDED:
                    unit = self._write(unit)
                return self._settle(unit, hold)
        except InsufficientCredits:
            return self._again(unit)
        except HoldNotPending as error:
            if error.hold_status == "captured":
                # With another amount than the journal's, which nothing in here does.
                raise
            return self._again(unit)

    def _write(self, unit: Unit) -> Unit:
        table = unit.subject["table"]
        records = self._records(table)
        self._output.write_part(table, COLUMNS[table], records)
        return self._journal.note(unit, State.WRITTEN, outcome={"records": len(records)})

    def _settle(self, unit: Unit, hold: HeldCredits) -> Unit:
        table, written = unit.subject["table"], int(unit.outcome["records"])
        if written == 0:
            # Leaving the block gives everything back.
            self._output.drop_part(table)
            return self._journal.note(unit, State.DONE)
        charged = self._till.capture(unit, hold, written)
        self._output.publish(table)
        return self._journal.note(unit, State.DONE, charged=charged, usage_id=charged.usage_id)

    def _again(self, unit: Unit) -> Unit:
        return self._journal.note(
            unit, State.PLANNED, attempt=unit.attempt + 1, request={}, outcome={}
        )

    def _records(self, table: str) -> list[Record]:
        kinds = (Kind.CACHE, Kind.ENRICH) if table == "companies" else (Kind.CONTACT,)
        units = [unit for kind in kinds for unit in self._journal.units(kind) if _has_record(unit)]
        # In the order of the list, not in that in which several workers came to an end.
        place = {
            unit.subject["domain"]: n for n, unit in enumerate(self._journal.units(Kind.CACHE))
        }
        units.sort(key=lambda unit: (place[unit.subject["domain"]], unit.id))
        return [self._output.found(unit) for unit in units]


#: Of what kind there is one unit for every record that a table can have.
_ROWS = {"companies": Kind.CACHE, "contacts": Kind.CONTACT}


def _has_record(unit: Unit) -> bool:
    found: Any = unit.outcome.get("found", False)
    return unit.state is State.DONE and bool(found)
