"""An organization's dashboard: all of it for billing roles, a member's own part for members."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from billing.models import Subscription
from billing.reports import organization_alerts
from credits import reports
from credits.models import CreditPool
from organizations.access import Rule
from orgbilling.console.dashboards import cards, events, refused
from orgbilling.console.dashboards.links import link_to
from orgbilling.console.dashboards.member import member_context
from orgbilling.console.dashboards.notices import SHOWN, first_steps, warned
from orgbilling.console.pages import OPEN, OrgPage
from orgbilling.lib.replica import from_replica

MEMBERS_SHOWN: Final = 10
TOP_SHOWN: Final = 5
REFUSALS_SHOWN: Final = 8
#: Actions that the page offers whatever happens.
LINKS: Final = ("add_credits", "allocate", "members", "plan", "settings")
#: Said by the first of the steps already, while there are steps.
SAID_BY_STEPS: Final = "no_subscription"


class OrgDashboard(OrgPage):
    """What the organization has, and what the person may spend of it."""

    title = "Dashboard"
    rule: ClassVar[Rule] = OPEN

    def get_template_names(self) -> list[str]:
        """The billing roles' page or a member's."""
        return ["console/org_dashboard.html" if self.manages else "console/member_dashboard.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With what everybody sees of the plan and the pool, and what the role adds."""
        return super().get_context_data(**self._figures(), **kwargs)

    @from_replica
    def _figures(self) -> dict[str, Any]:
        pool = CreditPool.objects.with_totals().filter(org_id=self.org_id).first()
        live = Subscription.objects.live().select_related("plan", "scheduled_plan")
        subscription = live.filter(org_id=self.org_id).first()
        more = (
            self._whole(pool, subscription)
            if self.manages
            else member_context(self.organization, self.principal)
        )
        return {
            "gauge": cards.gauge_of(pool) if pool is not None else None,
            "plan": cards.plan_card(subscription) if subscription is not None else None,
            **more,
        }

    def _whole(self, pool: CreditPool | None, subscription: Subscription | None) -> dict[str, Any]:
        steps = first_steps(pool, subscription, self.org_id)
        alerts = warned(
            [
                alert
                for alert in organization_alerts(self.org_id)
                if not (steps and alert.code == SAID_BY_STEPS)
            ],
            self.org_id,
        )
        page = reports.members(self.org_id, order="need", limit=MEMBERS_SHOWN)
        usage = reports.daily_by_service(self.org_id, zone=self.organization.timezone)
        refusals = reports.recent_refusals(self.org_id, limit=REFUSALS_SHOWN)
        return {
            "links": {name: link_to(name, self.org_id) for name in LINKS},
            "alerts": alerts[:SHOWN],
            "more_alerts": alerts[SHOWN:],
            "steps": steps,
            "chart": cards.usage_chart(usage),
            "top": reports.top_members(self.org_id, TOP_SHOWN),
            "members": [
                (member, cards.allocation_bar(member.used, member.held, member.remaining))
                for member in page.members
            ],
            "member_count": page.count,
            "refusals": [refused.in_words(group, self.org_id) for group in refusals],
            "events": events.recent(self.org_id, veiled=not self.principal.is_system_admin),
        }
