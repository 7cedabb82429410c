"""What a hold still reserves is given back."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse

from credits import holding
from credits.choices import HoldStatus
from credits.errors import HoldNotPending
from credits.functions import Origin
from credits.idempotency import hash_body
from credits.models import Allocation, Hold
from orgbilling.console.actions import Change, Preview
from orgbilling.console.credit_pages.confirming import ConfirmPage
from orgbilling.console.credit_pages.rehearsing import rehearse
from orgbilling.console.credit_pages.wording import credits_of, moment_of, person_of
from orgbilling.lib.clock import now


class ReleaseHold(ConfirmPage):
    """End a hold whose work won't come."""

    title = "Release hold"
    operation = "release"
    verb = "Release"

    @property
    def hold(self) -> Hold:
        """The hold as it is now.

        Raises:
            Http404: the organization has none of this id.
        """
        rows = Hold.objects.select_related("user")
        found = rows.filter(org_id=self.org_id, pk=self.kwargs["hold_id"]).first()
        if found is None:
            raise Http404
        return found

    def after_url(self) -> str:
        """The list of holds."""
        return reverse("admin:credits_hold_changelist")

    def preview(self, form: Any) -> Preview:
        """The member's credits before and after.

        Raises:
            OrgBillingError: what forbids it.
        """
        hold = self.hold
        status = hold.status_at(now())
        if status != HoldStatus.PENDING:
            raise HoldNotPending(f"This hold is {status.label.lower()} already: nothing is held.")
        before = self._allocation(hold)

        def released() -> Allocation:
            self._release(self.origin)
            return self._allocation(hold)

        after = rehearse(released)
        person = person_of(hold.user)
        until = moment_of(hold.expires_at, self.organization)
        return Preview(
            f"{credits_of(hold.credits - hold.captured_credits)} held for {hold.service_name} go back to {person}.",
            [
                Change(f"{person}: held", before.current_held_credits, after.current_held_credits),
                Change(
                    f"{person}: unspent",
                    before.current_remaining_credits,
                    after.current_remaining_credits,
                ),
            ],
            [
                f"Work that still runs can't be charged to this hold afterwards. By itself it expires {until}."
            ],
        )

    def perform(self, form: Any, origin: Origin) -> str:
        """Give back what it reserves.

        Raises:
            OrgBillingError: what forbids it.
        """
        hold = self.hold
        self._release(origin)
        return f"The hold of {credits_of(hold.credits - hold.captured_credits)} is released."

    def _release(self, origin: Origin) -> None:
        hold_id = self.kwargs["hold_id"]
        holding.release(
            org_id=self.org_id,
            hold_id=hold_id,
            body_hash=hash_body("release", {"hold_id": hold_id}, {}),
            origin=origin,
        )

    def _allocation(self, hold: Hold) -> Allocation:
        return Allocation.objects.for_display().get(org_id=self.org_id, pk=hold.allocation_id)
