"""What stands in the metadata of the charges: ids and domains, never people.

Its form is that of ``docs/schemas/usage-metadata.schema.json``.
"""

from __future__ import annotations

from typing import Any

from examples.loopnet_agent.units import Kind, Unit

CALLER = {"name": "loopnet-agent", "version": "0.1.0"}


def of_charge(run: str, unit: Unit, quantity: int) -> dict[str, Any]:
    """The metadata of a charge or a hold, both made before the work."""
    return {
        "caller": CALLER,
        "job_id": run,
        "outcome": "reserved",
        **(_of_export(unit, quantity) if unit.kind is Kind.EXPORT else _of_look_up(unit)),
    }


def of_capture(requested: int, delivered: int) -> dict[str, Any]:
    """What a capture lays over the metadata of its hold."""
    return {
        "outcome": "succeeded" if delivered == requested else "partial",
        "units": {"unit": "record", "requested": requested, "delivered": delivered},
    }


def _of_export(unit: Unit, quantity: int) -> dict[str, Any]:
    return {
        "subject": {"type": "record_set", "id": unit.subject["table"]},
        "units": {"unit": "record", "requested": quantity, "delivered": 0},
    }


def _of_look_up(unit: Unit) -> dict[str, Any]:
    domain, role = unit.subject["domain"], unit.subject.get("contact")
    subject = (
        {"type": "contact", "id": f"{domain}/{role}"} if role else {"type": "company", "id": domain}
    )
    return {
        "subject": {**subject, "domain": domain},
        "source": "cache" if unit.kind is Kind.CACHE else "live",
    }
