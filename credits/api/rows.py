"""Views of one row of the ledger, found by the id in the path and, when the body says so, in an organization."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from credits.api.keys import key_of
from organizations.api.base import OrgView
from orgbilling.lib.errors import NotFound, OrgBillingError, PermissionRefused
from orgbilling.web.request_log import note_organization
from orgbilling.web.views import parse_id


class Row(Protocol):
    """What permission is decided by."""

    @property
    def org_id(self) -> UUID:
        """Whose it is."""

    @property
    def user_id(self) -> UUID:
        """Whose credits they are."""


class RowView(OrgView):
    """A view of one hold or usage row.

    Permission is decided by the row's organization, for which the row is looked up first. With `org_id` in the
    body it is decided by that, and the row needn't be looked up: one round trip. What turns out not to be there
    then is 404, and 403 when it is another organization's.
    """

    #: What the row is called in a refusal.
    named: ClassVar[str]

    #: The organization that the body names, or that the row has; None while neither is known.
    org_id: UUID | None = None
    _unreadable: OrgBillingError | RequestDataTooBig | None = None

    def look_up(self) -> Row | None:
        """The row of the path."""
        raise NotImplementedError

    def permit(self, org_id: UUID | None) -> None:
        """Raise PermissionRefused unless the caller may act on rows of the organization; None: on any at all."""
        self.principal.require(self.rule(), org_id)

    def needs_row(self, org_id: UUID) -> bool:
        """Whether permission depends on the row itself, not on its organization alone."""
        raise NotImplementedError

    def permit_row(self, row: Row) -> None:
        """Raise PermissionRefused when this row of an organization isn't the caller's to act on."""

    def authorize(self, request: Request) -> None:
        """Judge by the body's `org_id` when it has one, by the row's organization otherwise."""
        org_id = self._org_named(request)
        if org_id is not None:
            note_organization(request, org_id)
            self.permit(org_id)
            self.org_id = org_id
            if not self.needs_row(org_id):
                return
        row = self.look_up()
        if org_id is None:
            note_organization(request, row.org_id if row is not None else None)
            self.permit(row.org_id if row is not None else None)
            self.org_id = row.org_id if row is not None else None
        if row is not None and row.org_id == self.org_id:
            self.permit_row(row)

    def body(self, request: Request) -> dict[str, Any]:
        """The body, read once even when it can't be read: a second look would find it empty."""
        if self._unreadable is not None:
            raise self._unreadable
        try:
            return super().body(request)
        except (OrgBillingError, RequestDataTooBig) as exc:
            self._unreadable = exc
            raise

    def checked(
        self, request: Request, serializer: type[BaseSerializer[Any]]
    ) -> tuple[dict[str, Any], str | None]:
        """The body as ``serializer`` validates it, and the Idempotency-Key header.

        Raises:
            NotFound, PermissionRefused: the row isn't there; comes before 400.
            MalformedJson, ValidationError, UnknownField, InvalidRequest: 400.
        """
        if self.org_id is None:
            raise self.missing()
        try:
            return self.validated(request, serializer), key_of(request)
        except Exception:
            self.require_there()
            raise

    def require_there(self) -> None:
        """Make sure that the row is one of the organization's.

        Raises:
            NotFound, PermissionRefused: see ``missing``.
        """
        row = self.look_up()
        if row is None or row.org_id != self.org_id:
            raise self.missing(row)
        self.permit_row(row)

    def missing(self, row: Row | None = None) -> OrgBillingError:
        """Why the row isn't there: it is nowhere, or another organization's, which may not be the caller's."""
        if row is None:
            return NotFound(f"There is no {self.named} with this id.")
        try:
            self.permit(row.org_id)
        except PermissionRefused as refusal:
            return refusal
        return NotFound(f"The organization named has no {self.named} with this id.")

    def _org_named(self, request: Request) -> UUID | None:
        if request.method != "POST":
            return None
        try:
            text = self.body(request).get("org_id")
        except (OrgBillingError, RequestDataTooBig):
            # 403 and 404 come first; the handler meets it again.
            return None
        return parse_id(text) if isinstance(text, str) else None
