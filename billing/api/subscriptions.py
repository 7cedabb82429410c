"""Subscriptions over HTTP: endpoints 1 to 5."""

import uuid
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from billing import cancellation, plan_change
from billing.api import examples
from billing.api.rendering import render_subscription
from billing.api.serializers import (
    CancelQuerySerializer,
    SubscribeSerializer,
    SubscriptionChangeSerializer,
    SubscriptionSerializer,
)
from billing.choices import Operation
from billing.models import Subscription
from billing.subscribing import Order, subscribe
from credits.api.keys import answer_once
from credits.functions import Origin
from organizations.access import BILLING, MEMBER, Rule
from organizations.api.base import BodyOrgView, OrgView, find_organization, org_id_of
from organizations.choices import Scope
from orgbilling.lib import transactions
from orgbilling.lib.errors import NotFound, PermissionRefused
from orgbilling.web.openapi import operation, page, page_example
from orgbilling.web.pagination import paginate
from orgbilling.web.request_id import current_request_id
from orgbilling.web.responses import json_response

READ = Rule(MEMBER, Scope.BILLING_READ)
MANAGE = Rule(BILLING, Scope.BILLING_MANAGE)


class SubscriptionsView(BodyOrgView):
    """Where subscriptions are made."""

    rules: ClassVar[dict[str, Rule]] = {"POST": MANAGE}

    @operation(
        summary="Subscribe an organization to a plan",
        description="At the catalogue's price; only a system admin may name another "
        "(`monthly_price`). Without a trial the first period begins at once and its price is an "
        "event of the history, to be paid; with one nothing is charged before the trial is over. "
        "Overage is switched off by a trial, and while earlier overage is unpaid. "
        "An organization has one live subscription at a time.",
        request=SubscribeSerializer,
        request_example=examples.SUBSCRIBE,
        responses={201: (SubscriptionSerializer, examples.SUBSCRIPTION)},
        errors=("not_found", "subscription_exists", "organization_suspended"),
        idempotent=True,
        tags=["subscriptions"],
    )
    def post(self, request: Request) -> HttpResponse:
        """Endpoint 1."""
        body = self.authorized_body(request)
        if "monthly_price" in body and not self.principal.is_system_admin:
            raise PermissionRefused("Only a system admin may name a price: leave it out.")
        organization = find_organization(org_id_of(body))
        fields = self.validated(request, SubscribeSerializer)
        order = Order(
            plan=fields["subscription_plan"],
            billing_cycle=fields["billing_cycle"],
            trial_days=fields["trial_days"],
            monthly_price=fields.get("monthly_price"),
        )

        def work(key: str | None, body_hash: bytes) -> tuple[int, Any]:
            origin = Origin(self.principal.actor, current_request_id(), key, body_hash)
            subscription = subscribe(organization=organization, order=order, origin=origin)
            return 201, render_subscription(subscription)

        return answer_once(
            request,
            org_id=organization.id,
            operation=Operation.SUBSCRIBE,
            path_ids={},
            body=body,
            work=work,
        )


class SubscriptionsOfOrgView(OrgView):
    """The subscriptions that an organization has or had."""

    rules: ClassVar[dict[str, Rule]] = {"GET": READ}

    @operation(
        summary="List an organization's subscriptions",
        description="The canceled ones too. Newest first.",
        responses={200: (page(SubscriptionSerializer), page_example(examples.SUBSCRIPTION))},
        paginated=True,
        errors=("not_found",),
        tags=["subscriptions"],
    )
    def get(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Endpoint 3."""
        self.organization()
        rows = Subscription.objects.with_names().filter(org_id=org_id)
        return json_response(paginate(request, rows, render_subscription))


class SubscriptionView(OrgView):
    """One subscription."""

    rules: ClassVar[dict[str, Rule]] = {
        "GET": READ,
        "PUT": MANAGE,
        "PATCH": MANAGE,
        "DELETE": MANAGE,
    }
    found: Subscription | None = None

    def authorize(self, request: Request) -> None:
        """Judge by the subscription's organization; an unknown id is 404 for whoever has the scope."""
        self.found = (
            Subscription.objects.with_names().filter(id=self.kwargs["subscription_id"]).first()
        )
        org_id = self.found.org_id if self.found is not None else None
        self.principal.require(self.rule(), org_id)

    def subscription(self) -> Subscription:
        """Return the subscription of the path. Raises NotFound."""
        if self.found is None:
            raise NotFound("There is no subscription with this id.")
        return self.found

    @operation(
        summary="Read a subscription",
        responses={200: (SubscriptionSerializer, examples.SUBSCRIPTION)},
        errors=("not_found",),
        tags=["subscriptions"],
    )
    def get(self, request: Request, subscription_id: uuid.UUID) -> HttpResponse:
        """Endpoint 2."""
        return json_response(render_subscription(self.subscription()))

    @operation(
        summary="Change a subscription",
        description="Any of the fields; what is left out stays as it is (PUT and PATCH do the "
        "same). A dearer plan acts at once, and the difference for the rest of the period, "
        "prorated to the second, is an event of the history, to be paid. A cheaper plan is "
        "scheduled for the period's end, shown as `scheduled_plan`; asking for the plan it has "
        "clears that. From monthly to yearly a new period begins at once, less the unused part "
        "of the month; from yearly to monthly the change waits for the period's end.",
        request=SubscriptionChangeSerializer,
        request_example=examples.CHANGE,
        responses={200: (SubscriptionSerializer, examples.CHANGED)},
        errors=("not_found", "subscription_canceled"),
        tags=["subscriptions"],
    )
    def put(self, request: Request, subscription_id: uuid.UUID) -> HttpResponse:
        """Endpoint 4."""
        subscription = self.subscription()
        fields = self.validated(request, SubscriptionChangeSerializer)
        ends = fields.get("cancel_at_period_end")
        target = self.change_of(subscription)

        def work() -> Subscription:
            changed = plan_change.change(
                plan=fields.get("subscription_plan"),
                billing_cycle=fields.get("billing_cycle"),
                **target,
            )
            if ends is None:
                return changed
            return cancellation.set_at_period_end(ends=ends, **target)

        return json_response(render_subscription(transactions.run(work)))

    patch = put

    @operation(
        summary="Cancel a subscription",
        description="At once: nothing can be spent any more. With `at_period_end=true` it lives "
        "on until its period is over; a change with `cancel_at_period_end` false takes that back.",
        query=CancelQuerySerializer,
        responses={200: (SubscriptionSerializer, examples.CANCELED)},
        errors=("not_found", "subscription_canceled"),
        tags=["subscriptions"],
    )
    def delete(self, request: Request, subscription_id: uuid.UUID) -> HttpResponse:
        """Endpoint 5."""
        subscription = self.subscription()
        later = self.query(request, CancelQuerySerializer)["at_period_end"] == "true"
        target = self.change_of(subscription)

        def work() -> Subscription:
            if later:
                return cancellation.set_at_period_end(ends=True, **target)
            return cancellation.cancel(**target)

        return json_response(render_subscription(transactions.run(work)))

    def change_of(self, subscription: Subscription) -> dict[str, Any]:
        """Return what every change is told: which subscription, who asks, and in which request."""
        return {
            "org_id": subscription.org_id,
            "subscription_id": subscription.id,
            "origin": Origin(self.principal.actor, current_request_id()),
        }
