"""The settings of a pool over HTTP."""

import uuid
from decimal import Decimal
from typing import Any, ClassVar, Final

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from billing import pool_settings
from credits.api.examples import POOL
from credits.api.rendering import render_pool
from credits.api.serializers import PoolSerializer
from credits.functions import Origin
from credits.models import CreditPool
from organizations.access import BILLING, Rule
from organizations.api.base import OrgView
from organizations.choices import Scope
from orgbilling.lib import transactions
from orgbilling.lib.errors import PermissionRefused
from orgbilling.web.fields import (
    CREDITS_MAX,
    MoneyField,
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
)
from orgbilling.web.openapi import operation
from orgbilling.web.request_id import current_request_id
from orgbilling.web.responses import json_response, money

#: What a money column of twelve digits holds.
MONEY_MAX: Final = Decimal("9999999999.99")
#: Of one credit: high enough for anybody, and a period's overage stays an amount that can be kept.
RATE_MAX: Final = Decimal("1000000.00")


class SettingsSerializer(StrictSerializer):
    """The body of a change: any of its fields; what is left out stays as it is."""

    allow_overage = StrictBooleanField(required=False)
    overage_limit = StrictIntegerField(required=False, min_value=0, max_value=CREDITS_MAX)
    alert_threshold_percent = StrictIntegerField(
        required=False, allow_null=True, min_value=0, max_value=100
    )
    alert_threshold_credits = StrictIntegerField(
        required=False, allow_null=True, min_value=0, max_value=CREDITS_MAX
    )
    monthly_refresh_amount = StrictIntegerField(required=False, min_value=0, max_value=CREDITS_MAX)
    overage_rate = MoneyField(required=False)
    account_limit = MoneyField(required=False)

    def validate_overage_rate(self, value: Decimal) -> Decimal:
        """Refuse what can't be billed."""
        return _at_most(RATE_MAX, value)

    def validate_account_limit(self, value: Decimal) -> Decimal:
        """Refuse what the column can't hold."""
        return _at_most(MONEY_MAX, value)


class PoolWithSettingsSerializer(PoolSerializer):
    """A pool with those settings that only this endpoint shows."""

    account_limit = serializers.CharField()
    alert_threshold_percent = serializers.IntegerField(allow_null=True)
    alert_threshold_credits = serializers.IntegerField(allow_null=True)


CHANGE: Final[dict[str, Any]] = {"allow_overage": True, "overage_limit": 5000}
CHANGED: Final[dict[str, Any]] = {
    **POOL,
    **CHANGE,
    "account_limit": "1000.00",
    "alert_threshold_percent": None,
    "alert_threshold_credits": None,
}


class SettingsView(OrgView):
    """How a pool behaves."""

    rules: ClassVar[dict[str, Rule]] = {"PATCH": Rule(BILLING, Scope.CREDITS_MANAGE)}

    @operation(
        summary="Change the settings of an organization's pool",
        description="Any of the fields; what is left out stays as it is. `overage_limit` goes up to "
        "the ceiling of the live plan (0 without one) and not below what this period has drawn. "
        "`allow_overage` can't be switched on in a trial or without a subscription. "
        "`monthly_refresh_amount`, `overage_rate` and `account_limit` are set by a system admin, or "
        "a key bound to all organizations. `null` switches an alert off.",
        request=SettingsSerializer,
        request_example=CHANGE,
        responses={200: (PoolWithSettingsSerializer, CHANGED)},
        errors=("not_found", "no_credit_pool"),
        tags=["credits"],
    )
    def patch(self, request: Request, org_id: uuid.UUID) -> HttpResponse:
        """Change what the body names."""
        self.organization()
        reserved = pool_settings.OPERATOR_SETTINGS & self.body(request).keys()
        if reserved and not self.runs_the_service():
            names = ", ".join(sorted(reserved))
            raise PermissionRefused(
                f"Only a system admin or a key bound to all organizations may set {names}."
            )
        values = self.validated(request, SettingsSerializer)
        origin = Origin(self.principal.actor, current_request_id())
        pool = transactions.run(
            lambda: pool_settings.change(org_id=org_id, values=values, origin=origin)
        )
        return json_response(_render(pool))

    def runs_the_service(self) -> bool:
        """Whether the caller may decide what costs the operator."""
        return self.principal.is_system_admin or self.principal.is_all_organizations_key


def _render(pool: CreditPool) -> dict[str, Any]:
    return {
        **render_pool(pool),
        "account_limit": money(pool.account_limit),
        "alert_threshold_percent": pool.alert_threshold_percent,
        "alert_threshold_credits": pool.alert_threshold_credits,
    }


def _at_most(most: Decimal, value: Decimal) -> Decimal:
    if value > most:
        raise serializers.ValidationError(f"The amount may be at most {most}.", "max_value")
    return value
