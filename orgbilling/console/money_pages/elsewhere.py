"""Forms that are answered by the payment provider: outside of any transaction, and perhaps on its own page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponseBase
from django.template.response import TemplateResponse

from orgbilling.console.actions import ActionForm
from orgbilling.console.money_pages.reviewing import ReviewedPage


class ElsewherePage(ReviewedPage):
    """A form that asks the provider, which by itself does the same thing once."""

    after = "org_payment_methods"

    def act(self, form: ActionForm) -> HttpResponseBase:
        """Ask the provider; where the person is led then.

        Raises:
            OrgBillingError: what forbids it, or no answer.
        """
        raise NotImplementedError

    def _do(self, form: ActionForm) -> HttpResponseBase:
        return self.act(form)

    def absolute(self, path: str) -> str:
        """Where people find a page of ours from elsewhere: on the public address, however this request came."""
        return f"{settings.PUBLIC_URL}{path}"

    def leave(self, url: str, where: str) -> HttpResponseBase:
        """Lead to another site by a link of ours.

        Not by a redirect: browsers hold the policy for forms (`form-action 'self'`) against every address
        that a sent form leads to.
        """
        context = self.get_context_data(url=url, where=where, after_url=self.after_url())
        return TemplateResponse(self.request, "console/money/leaving.html", context)
