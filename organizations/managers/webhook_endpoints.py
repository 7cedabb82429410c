"""Making, changing and deleting webhook endpoints, and what their deliveries do to them."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.db import models, transaction

from organizations.choices import AuditAction, DisabledReason, EndpointStatus
from organizations.errors import EndpointLimitExceeded
from organizations.event_types import EVERYTHING, SUBSCRIBABLE
from organizations.webhooks import guarding
from organizations.webhooks.schedule import LONGEST_ASKED_REST, rest_after
from organizations.webhooks.secrets import (
    SecretUnreadable,
    decrypted,
    encrypted,
    new_secret,
    renewed,
)
from organizations.webhooks.urls import UnsafeUrl
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.lib.jobs import defer

if TYPE_CHECKING:
    from organizations.access import Principal
    from organizations.models.organization import Organization
    from organizations.models.webhook_endpoint import WebhookEndpoint

#: The task that delivers; named here and not imported, because it stands on this module.
DELIVER_TASK: Final = "organizations.deliver_webhooks"
#: Endpoints that one organization has at most, deleted ones not counted.
ENDPOINTS_MAX: Final = 20
#: How long the former secret signs too after a rotation, unless it is said, and at most.
OVERLAP: Final = timedelta(hours=24)
OVERLAP_MAX: Final = timedelta(days=7)
_DESCRIPTION_LENGTH: Final = 200


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Endpoints as callers see them."""

    def existing(self) -> "WebhookEndpointQuerySet":
        """Those not deleted."""
        return self.exclude(status=EndpointStatus.DELETED)

    def enabled(self) -> "WebhookEndpointQuerySet":
        """Those that are told of events."""
        return self.filter(status=EndpointStatus.ENABLED)


class WebhookEndpointManager(models.Manager.from_queryset(WebhookEndpointQuerySet)):  # type: ignore[misc]
    """The only door to endpoints. Permission is checked by the caller; `by` None is the system itself."""

    def find(self, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> "WebhookEndpoint":
        """An endpoint that isn't deleted. Raises NotFound."""
        return self._found(self.existing().filter(org_id=org_id, pk=endpoint_id).first())

    def open(
        self,
        org: "Organization",
        *,
        url: str,
        events: Collection[str],
        description: str = "",
        looked: bool = False,
        by: "Principal | None",
    ) -> "tuple[WebhookEndpoint, str]":
        """Make an enabled endpoint; returns it with its secret, which can never be had again.

        Args:
            url: https, and a public address unless the operator allows more; what it resolves to now is looked at.
            events: names of `event_types.SUBSCRIBABLE`, or `*`.
            description: at most 200 characters.
            looked: the caller has called `check_url`, before a transaction of its own.

        Raises:
            InvalidRequest: `url`, `events` or `description` breaks a rule, and says which.
            EndpointLimitExceeded: the organization has 20 already.
        """
        if not looked:
            self.check_url(url)
        values = {
            "url": url,
            "events": self._checked_events(events),
            "description": self._checked_description(description),
        }
        secret = new_secret()
        with transaction.atomic():
            # Of two that ask at once for the last free place, the second has to see the first.
            type(org)._default_manager.select_for_update(no_key=True).get(pk=org.pk)  # noqa: SLF001
            if self.existing().filter(org_id=org.pk).count() >= ENDPOINTS_MAX:
                raise EndpointLimitExceeded
            moment = database_now()
            endpoint: WebhookEndpoint = self.create(
                org=org,
                secret=encrypted(secret),
                created_by=by.user if by is not None else None,
                created_at=moment,
                updated_at=moment,
                **values,
            )
            self._tell(AuditAction.WEBHOOK_ENDPOINT_CREATED, endpoint, by=by, after=values)
            self._wake(endpoint)
        return endpoint, secret

    def edit(
        self,
        org_id: uuid.UUID,
        endpoint_id: uuid.UUID,
        *,
        url: str | None = None,
        events: Collection[str] | None = None,
        description: str | None = None,
        looked: bool = False,
        by: "Principal | None",
    ) -> "WebhookEndpoint":
        """Change what is given, None leaves it. Deliveries under way go to the new address.

        Raises NotFound, and InvalidRequest as `open`.
        """
        wanted: dict[str, Any] = {}
        if url is not None:
            if not looked:
                self.check_url(url)
            wanted["url"] = url
        if events is not None:
            wanted["events"] = self._checked_events(events)
        if description is not None:
            wanted["description"] = self._checked_description(description)
        with transaction.atomic():
            endpoint = self.lock(org_id, endpoint_id)
            changed = {k: v for k, v in wanted.items() if getattr(endpoint, k) != v}
            if changed:
                before = {name: getattr(endpoint, name) for name in changed}
                # What a former address has failed says nothing of the new one.
                self._write(endpoint, **changed, **(_HEALTHY if "url" in changed else {}))
                self._tell(
                    AuditAction.WEBHOOK_ENDPOINT_EDITED,
                    endpoint,
                    by=by,
                    before=before,
                    after=changed,
                )
        return endpoint

    def rotate_secret(
        self,
        org_id: uuid.UUID,
        endpoint_id: uuid.UUID,
        *,
        overlap: timedelta = OVERLAP,
        by: "Principal | None",
    ) -> "tuple[WebhookEndpoint, str]":
        """Give it a new secret, which is returned; for `overlap` the former one signs too, 0 to 7 days.

        A former secret that can't be read any more is given up. Raises NotFound, InvalidRequest.
        """
        if not timedelta(0) <= overlap <= OVERLAP_MAX:
            raise InvalidRequest("overlap_seconds", "The former secret signs for 0 to 7 days more.")
        secret = new_secret()
        with transaction.atomic():
            endpoint = self.lock(org_id, endpoint_id)
            former = endpoint.secret if overlap and _is_readable(endpoint.secret) else ""
            until = database_now() + overlap if former else None
            self._write(
                endpoint,
                secret=encrypted(secret),
                previous_secret=former,
                previous_secret_until=until,
            )
            self._tell(
                AuditAction.WEBHOOK_SECRET_ROTATED,
                endpoint,
                by=by,
                after={"former_secret_until": until},
            )
        return endpoint, secret

    def enable(
        self, org_id: uuid.UUID, endpoint_id: uuid.UUID, *, by: "Principal | None"
    ) -> "WebhookEndpoint":
        """Let it be told of events from now on, without its former failures; an enabled one stays as it is.

        What was discarded meanwhile is not sent by itself: see `WebhookDelivery.objects.replay`. Raises NotFound.
        """
        with transaction.atomic():
            endpoint = self.lock(org_id, endpoint_id)
            if not endpoint.is_enabled:
                before = {"disabled_reason": endpoint.disabled_reason}
                self._write(
                    endpoint,
                    status=EndpointStatus.ENABLED,
                    disabled_reason="",
                    disabled_at=None,
                    **_HEALTHY,
                )
                self._tell(AuditAction.WEBHOOK_ENDPOINT_ENABLED, endpoint, by=by, before=before)
                self._wake(endpoint)
        return endpoint

    def disable(
        self,
        org_id: uuid.UUID,
        endpoint_id: uuid.UUID,
        *,
        reason: DisabledReason = DisabledReason.BY_HAND,
        by: "Principal | None",
    ) -> "WebhookEndpoint":
        """Tell it of nothing any more, and discard what waits; a disabled one stays as it is. Raises NotFound.

        Of very much that waits, a worker discards the rest in the next minutes.
        """
        with transaction.atomic():
            endpoint = self.lock(org_id, endpoint_id)
            if endpoint.is_enabled:
                self._write(
                    endpoint,
                    status=EndpointStatus.DISABLED,
                    disabled_reason=reason.value,
                    disabled_at=database_now(),
                )
                self._discard(endpoint)
                self._tell(
                    AuditAction.WEBHOOK_ENDPOINT_DISABLED,
                    endpoint,
                    by=by,
                    after={"disabled_reason": reason.value},
                )
        return endpoint

    def remove(self, org_id: uuid.UUID, endpoint_id: uuid.UUID, *, by: "Principal | None") -> None:
        """Delete it: its secrets are forgotten, what waits is discarded, the history of deliveries stays.

        Raises NotFound, also when it is deleted already.
        """
        with transaction.atomic():
            endpoint = self.lock(org_id, endpoint_id)
            self._write(
                endpoint,
                status=EndpointStatus.DELETED,
                secret="",
                previous_secret="",
                previous_secret_until=None,
            )
            self._discard(endpoint)
            self._tell(
                AuditAction.WEBHOOK_ENDPOINT_DELETED,
                endpoint,
                by=by,
                before={"url": endpoint.url, "events": endpoint.events},
            )

    @staticmethod
    def check_url(url: str) -> None:
        """Look whether a receiver may be there. Raises InvalidRequest, which says why not.

        A name server may take its time: `open` and `edit` are told `looked` by who calls them in a transaction.
        """
        try:
            guarding.look(url)
        except UnsafeUrl as exc:
            raise InvalidRequest("url", str(exc), "unsafe_url") from exc

    def renew_secrets(self) -> int:
        """Encrypt anew what a former SECRET_KEY has encrypted, so that it needs no fallback; returns how many."""
        count = 0
        for org_id, endpoint_id in self.existing().values_list("org_id", "pk"):
            with transaction.atomic():
                endpoint = self.existing().select_for_update(no_key=True, of=("self",))
                row = endpoint.filter(org_id=org_id, pk=endpoint_id).first()
                values = _renewed(row) if row is not None else {}
                if row is not None and values:
                    self._write(row, touch=False, **values)
                    count += 1
        return count

    def forget_former_secrets(self) -> int:
        """Forget the former secrets whose time is over; returns how many."""
        over = self.filter(previous_secret_until__lte=database_now())
        forgotten: int = over.update(previous_secret="", previous_secret_until=None)
        return forgotten

    def lock(self, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> "WebhookEndpoint":
        """Lock an endpoint until the transaction ends, before any of its deliveries. Raises NotFound."""
        rows = self.existing().select_for_update(no_key=True, of=("self",))
        return self._found(rows.filter(org_id=org_id, pk=endpoint_id).first())

    def end_rest(self, org_id: uuid.UUID, endpoint_id: uuid.UUID) -> None:
        """Let it be tried now, because a person asks for that; its next failure lets it rest again."""
        resting = self.filter(org_id=org_id, pk=endpoint_id, resting_until__isnull=False)
        resting.update(resting_until=None)

    def note_success(self, org_id: uuid.UUID, endpoint_id: uuid.UUID, moment: datetime) -> None:
        """Forget that it failed; written at most once a minute while it doesn't fail."""
        rested = models.Q(last_success_at__isnull=True) | models.Q(
            last_success_at__lt=moment - timedelta(minutes=1)
        )
        self.filter(
            rested | models.Q(consecutive_failures__gt=0), org_id=org_id, pk=endpoint_id
        ).update(last_success_at=moment, **_HEALTHY)

    def note_failure(
        self, endpoint: "WebhookEndpoint", moment: datetime, *, asked: timedelta | None
    ) -> None:
        """Count a failure of an endpoint that the caller has locked, and let it rest.

        `asked`: how long its receiver asked to wait.
        """
        failures = endpoint.consecutive_failures + 1
        rest = max(rest_after(failures), min(asked or timedelta(0), LONGEST_ASKED_REST))
        self._write(
            endpoint,
            touch=False,
            consecutive_failures=failures,
            failing_since=endpoint.failing_since or moment,
            resting_until=moment + rest if rest else None,
        )

    def _write(self, endpoint: "WebhookEndpoint", *, touch: bool = True, **values: Any) -> None:
        if touch:
            values["updated_at"] = database_now()
        for name, value in values.items():
            setattr(endpoint, name, value)
        self.filter(org_id=endpoint.org_id, pk=endpoint.pk).update(**values)

    def _wake(self, endpoint: "WebhookEndpoint") -> None:
        """Let a worker begin, if this is the only endpoint anywhere: without any, none is at it."""
        if not self.enabled().exclude(pk=endpoint.pk).exists():
            defer(DELIVER_TASK)

    @staticmethod
    def _discard(endpoint: "WebhookEndpoint") -> None:
        deliveries: Any = apps.get_model("organizations", "WebhookDelivery").objects
        deliveries.discard(endpoint)

    @staticmethod
    def _found(endpoint: "WebhookEndpoint | None") -> "WebhookEndpoint":
        if endpoint is None:
            raise NotFound("There is no webhook endpoint with this id.")
        return endpoint

    @staticmethod
    def _checked_events(events: Collection[str]) -> list[str]:
        if unknown := sorted(set(events) - {EVERYTHING, *SUBSCRIBABLE}):
            raise InvalidRequest(
                "events", f"There is no event {unknown[0]!r}: see the list in docs/webhooks.md."
            )
        if not events:
            raise InvalidRequest("events", "Name at least one event, or * for all.")
        return [name for name in (EVERYTHING, *SUBSCRIBABLE) if name in events]

    @staticmethod
    def _checked_description(description: str) -> str:
        if len(description) > _DESCRIPTION_LENGTH:
            raise InvalidRequest("description", "A description has at most 200 characters.")
        return description

    @staticmethod
    def _tell(
        action: AuditAction, endpoint: "WebhookEndpoint", *, by: "Principal | None", **change: Any
    ) -> None:
        log: Any = apps.get_model("organizations", "AuditLogEntry").objects
        log.record(action, by=by, org_id=endpoint.org_id, subject=endpoint.url, **change)


_HEALTHY: Final[dict[str, Any]] = {
    "consecutive_failures": 0,
    "failing_since": None,
    "resting_until": None,
}


def _renewed(endpoint: "WebhookEndpoint") -> dict[str, str]:
    """The columns to be written; one that nobody can read is left for whoever rotates it."""
    found = {}
    for name in ("secret", "previous_secret"):
        kept = getattr(endpoint, name)
        try:
            again = renewed(kept) if kept else None
        except SecretUnreadable:
            continue
        if again is not None:
            found[name] = again
    return found


def _is_readable(kept: str) -> bool:
    try:
        decrypted(kept)
    except SecretUnreadable:
        return False
    return True
