"""Changing what an organization's invoices say about it."""

import unicodedata
import uuid
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import models, transaction

from organizations.choices import AuditAction
from organizations.models import AuditLogEntry
from orgbilling.lib import clock
from orgbilling.lib.errors import InvalidRequest
from orgbilling.web.request_id import current_request_id

if TYPE_CHECKING:
    from billing.models.details import BillingDetails

#: What can't be printed: control characters, halves of a surrogate pair. Joiners can, and names have them.
CONTROLS: Final = frozenset({"Cc", "Cs"})


class BillingDetailsManager(models.Manager["BillingDetails"]):
    """The only door through which billing details are written."""

    #: What may be changed.
    FIELDS = ("legal_name", "email", "address", "country", "tax_id")

    def of(self, org_id: uuid.UUID) -> "BillingDetails | None":
        """The organization's details; None while nobody has given any."""
        return self.filter(org_id=org_id).first()

    @transaction.atomic
    def change(self, *, org_id: uuid.UUID, actor: str, **values: str) -> "BillingDetails":
        """Write the fields named (of `FIELDS`) and leave the others; for people with a billing role.

        `actor`: as `Principal.actor`. Spaces around a value go, and every way to end a line becomes
        a line feed. Raises InvalidRequest with the field for one that is too long, no e-mail address,
        or has control characters. What changed is in the audit log.
        """
        moment = clock.database_now()
        cleaned = {name: _clean(self.model, name, value) for name, value in values.items()}
        before = self._kept(org_id, list(cleaned))
        row = self.model(
            org_id=org_id, actor=actor, created_at=moment, updated_at=moment, **cleaned
        )
        # One statement: of two people at the same moment both get their fields, and nobody a second row.
        self.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["org"],
            update_fields=[*cleaned, "actor", "updated_at"],
        )
        changed = [name for name, value in cleaned.items() if before[name] != value]
        if changed:
            AuditLogEntry.objects.record_origin(
                AuditAction.BILLING_DETAILS_EDITED,
                actor=actor,
                request_id=current_request_id(),
                org_id=org_id,
                subject="Billing details",
                before={name: before[name] for name in changed},
                after={name: cleaned[name] for name in changed},
            )
        return self.get(org_id=org_id)

    def _kept(self, org_id: uuid.UUID, names: list[str]) -> dict[str, str]:
        row = self.select_for_update(no_key=True).filter(org_id=org_id).values(*names).first()
        return row if row is not None else dict.fromkeys(names, "")


def _clean(model: "type[BillingDetails]", name: str, value: str) -> str:
    if name not in BillingDetailsManager.FIELDS:
        raise InvalidRequest(name, "The billing details have no such field.")
    field: Any = model._meta.get_field(name)
    tidy = "\n".join(line.strip() for line in value.strip().splitlines())
    if len(tidy) > field.max_length:
        raise InvalidRequest(name, f"Use at most {field.max_length} characters.", "max_length")
    allowed = "\n" if name == "address" else ""
    if any(unicodedata.category(one) in CONTROLS and one not in allowed for one in tidy):
        raise InvalidRequest(name, "Leave out line breaks and control characters.")
    try:
        cleaned: str = field.clean(tidy, None)
    except ValidationError as exc:
        raise InvalidRequest(name, " ".join(exc.messages)) from exc
    return cleaned
