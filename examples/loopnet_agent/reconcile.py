"""Compares what the journal says was charged with the service's own usage rows, row by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orgbilling_client import Client

from examples.loopnet_agent.journal import Journal, Run
from examples.loopnet_agent.till import CAPTURE, REFUND
from examples.loopnet_agent.units import PREFIX, Unit, key_of

#: Rows are looked for from a little before the first one that is known.
MARGIN = timedelta(hours=1)


@dataclass(slots=True)
class Comparison:
    """By service: credits that the service has on record for the run. And where it and the journal disagree."""

    by_service: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    #: Charged already, but the process died before it could note it: the next run does.
    not_noted: list[str] = field(default_factory=list)


def compare(client: Client, run: Run, journal: Journal) -> Comparison:
    """Ask the service for the run's rows. They are recognised by their request ids, which are the run's keys.

    Raises:
        OrgBillingError: it can't be asked.
    """
    known = {one.request_id: one.credits for one in journal.charges()}
    result = Comparison()
    rows: dict[str, list[int]] = {}
    for usage in client.usage(user_id=run.user_id, start=_start(journal), org_id=run.org_id):
        if usage.request_id.startswith(f"{PREFIX}:{run.name}:"):
            rows.setdefault(usage.request_id, []).append(usage.credits_used)
            result.by_service[usage.service_name] += usage.credits_used
    pending = {key for unit in journal.units() if unit.open for key in _keys(run, unit)}
    for key in sorted(known.keys() | rows.keys()):
        at_service = rows.get(key, [])
        if key not in known and key in pending and len(at_service) == 1:
            result.not_noted.append(key)
        elif at_service != [known[key]] if key in known else at_service:
            result.differences.append(
                f"{key}: the service has {at_service or 'nothing'}, the journal {known.get(key, 'nothing')}"
            )
    return result


def _start(journal: Journal) -> datetime | None:
    moments = [datetime.fromisoformat(one.created_at) for one in journal.charges()]
    return min(moments) - MARGIN if moments else None


def _keys(run: Run, unit: Unit) -> list[str]:
    return [key_of(run.name, unit, step) for step in ("", CAPTURE, REFUND)]
