"""The agent: brings every unit of work to its end, from whatever state a killed run left it in.

A unit goes from state to state. Every step does one thing outside that may be done again without harm, *then* notes the
next state, in one transaction. The process can be killed at any line. Killed before the note, the next run repeats the
step; killed after it, the next run goes on with the next step.

    step                     outside                  repeated, it …
    planned   → intended     nothing                  fixes the same key and body
    intended  → charged      deduct, with the key     is answered with the first charge
    charged   → done         the work, its file       asks again, replaces the file by the same
    charged   → refunding    the work that failed     fails again, or succeeds: it is paid for
    refunding → refunded     refund, with its key     is answered with the first refund

The order is what matters. *Intent before charge*: once a key was sent, its body must never change, whichever version of
this program sends it again. *Charge before work*: killed between the two, the work is owed and the journal knows it;
the other way round it would be done and never paid. *Result before done*: what the journal calls done is on the disk.
Nobody has to stop the agent gently, so it handles no signals.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from orgbilling_client import InsufficientCredits

from examples.loopnet_agent.exporting import Exporter
from examples.loopnet_agent.journal import Journal
from examples.loopnet_agent.output import Output
from examples.loopnet_agent.provider import DataProvider, FailedForGood, FailedForNow, Record
from examples.loopnet_agent.stopping import OutOfCredits, ProviderAway, Stopped
from examples.loopnet_agent.till import Till
from examples.loopnet_agent.units import Kind, State, Unit, contact_unit, enrich_unit

#: A refusal costs three steps: so many in a row, while every check says yes, mean that somebody else is faster.
MOST_STEPS = 60
PHASES = (Kind.CACHE, Kind.ENRICH, Kind.CONTACT)


class Agent:
    """Works a journal off, with so many threads at once, and looks up so many contacts of a company."""

    def __init__(
        self,
        journal: Journal,
        till: Till,
        provider: DataProvider,
        output: Output,
        *,
        workers: int,
        contacts: int,
    ) -> None:
        self._journal, self._till = journal, till
        self._provider, self._output = provider, output
        self._workers, self._contacts = workers, contacts
        self._stop = threading.Event()
        self._steps: dict[State, Callable[[Unit], Unit]] = {
            State.PLANNED: self._intend,
            State.INTENDED: self._charge,
            State.CHARGED: self._work,
            State.REFUNDING: self._refund,
        }

    def run(self) -> None:
        """Do all that is open, look-ups before what they lead to, exports last.

        Raises:
            Stopped: not all could be done now. A later run goes on from here.
            OrgBillingError: the service can't be reached or refuses for another reason; as above.
        """
        for kind in PHASES:
            self._finish_all([unit for unit in self._journal.units(kind) if unit.open])
        exporter = Exporter(self._journal, self._till, self._output)
        for unit in self._journal.units(Kind.EXPORT):
            if unit.open:
                exporter.finish(unit)

    def _finish_all(self, units: list[Unit]) -> None:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="unit") as pool:
            done = [pool.submit(self._finish_unless_stopped, unit) for unit in units]
            try:
                wait(done)
            except BaseException:
                # Ctrl-C: what is begun is finished, nothing else is begun.
                self._stop.set()
                raise
        away = [error for error in (one.exception() for one in done) if error is not None]
        # What stops everything comes before what concerns one unit.
        for error in sorted(away, key=lambda error: isinstance(error, ProviderAway)):
            raise error

    def _finish_unless_stopped(self, unit: Unit) -> None:
        if self._stop.is_set():
            return
        try:
            self._finish(unit)
        except ProviderAway:
            # The others may have more luck.
            raise
        except BaseException:
            self._stop.set()
            raise

    def _finish(self, unit: Unit) -> None:
        for _step in range(MOST_STEPS):
            if not unit.open:
                return
            unit = self._steps[unit.state](unit)
        raise Stopped(f"{unit.id} was refused {unit.attempt - 1} times.", "Try again later.")

    def _intend(self, unit: Unit) -> Unit:
        check = self._till.check(unit.service, 1)
        if not check:
            raise OutOfCredits(check.why)
        request = self._till.request(unit, 1)
        return self._journal.note(unit, State.INTENDED, request=request)

    def _charge(self, unit: Unit) -> Unit:
        try:
            charged = self._till.charge(unit)
        except InsufficientCredits:
            # Final for this key, even after somebody allocated more: the next try takes the next one. Perhaps
            # this was an old refusal that a killed run didn't live to note; the next check will tell.
            return self._journal.note(unit, State.PLANNED, attempt=unit.attempt + 1, request={})
        return self._journal.note(unit, State.CHARGED, charged=charged, usage_id=charged.usage_id)

    def _work(self, unit: Unit) -> Unit:
        try:
            found = self._ask(unit)
        except FailedForNow as error:
            raise ProviderAway(str(error)) from error
        except FailedForGood as error:
            return self._journal.note(unit, State.REFUNDING, outcome={"reason": str(error)})
        if found is not None:
            self._output.keep(unit, found)
        return self._journal.note(
            unit,
            State.DONE,
            outcome={"found": found is not None},
            follow_ups=self._follow_ups(unit, found),
        )

    def _refund(self, unit: Unit) -> Unit:
        return self._journal.note(unit, State.REFUNDED, charged=self._till.refund(unit))

    def _ask(self, unit: Unit) -> Record | None:
        domain = unit.subject["domain"]
        if unit.kind is Kind.CACHE:
            return self._provider.cached(domain)
        if unit.kind is Kind.ENRICH:
            return self._provider.company(unit.subject["company"], domain)
        return self._provider.contact(domain, unit.subject["contact"])

    def _follow_ups(self, unit: Unit, found: Record | None) -> list[Unit]:
        if unit.kind is Kind.CONTACT:
            return []
        subject = {"company": unit.subject["company"], "domain": unit.subject["domain"]}
        if found is None:
            return [enrich_unit(subject)]
        return [contact_unit(subject, role) for role in found["contacts"][: self._contacts]]
