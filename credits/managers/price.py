"""Reads of the price catalogue, and the one way to change a price: a new version."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Max, OuterRef, QuerySet, Subquery

from organizations.choices import AuditAction
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from credits.models import Price
    from organizations.access import Principal


class PriceManager(models.Manager["Price"]):
    """The versions of prices."""

    def current(self, at: datetime) -> QuerySet[Price]:
        """The version of each service's price that holds at ``at``, by service name."""
        newest = (
            self.get_queryset()
            .filter(service=OuterRef("service"), effective_from__lte=at)
            .order_by("-effective_from")
            .values("pk")[:1]
        )
        return self.select_related("service").filter(pk=Subquery(newest)).order_by("service_id")

    def add_version(
        self,
        *,
        service_name: str,
        platform_credits: int,
        byok_credits: int,
        hybrid_credits: int,
        effective_from: datetime | None = None,
        by: Principal | None = None,
    ) -> Price:
        """Add the next version of a service's price; former ones stay as they are.

        Args:
            platform_credits, byok_credits, hybrid_credits: credits for one under each plan, 0 to 10^15.
            effective_from: when it begins to hold, not in the past; None: now.
            by: who adds it, for the audit log; None: the operator.

        Raises:
            NotFound: the catalogue has no such service.
            InvalidRequest: the moment has passed, or another version begins at it.
        """
        services = apps.get_model("credits", "Service").objects
        with transaction.atomic():
            # The service's row is the lock that gives each version its number.
            if services.select_for_update(no_key=True).filter(pk=service_name).first() is None:
                raise NotFound(f"The catalogue has no service {service_name}.")
            moment = database_now()
            begins = moment if effective_from is None else effective_from
            if begins < moment:
                raise InvalidRequest(
                    "effective_from", "A price can't begin in the past.", "in_the_past"
                )
            former = self.filter(service_id=service_name)
            if former.filter(effective_from=begins).exists():
                raise InvalidRequest(
                    "effective_from", "Another version begins at this moment.", "unique"
                )
            newest = former.aggregate(newest=Max("version"))["newest"] or 0
            made = self.create(
                service_id=service_name,
                version=newest + 1,
                platform_credits=platform_credits,
                byok_credits=byok_credits,
                hybrid_credits=hybrid_credits,
                effective_from=begins,
            )
            log: Any = apps.get_model("organizations", "AuditLogEntry").objects
            log.record(
                AuditAction.PRICE_VERSION_ADDED,
                by=by,
                subject=str(made),
                after={
                    "platform_credits": platform_credits,
                    "byok_credits": byok_credits,
                    "hybrid_credits": hybrid_credits,
                    "effective_from": begins,
                },
            )
            return made
