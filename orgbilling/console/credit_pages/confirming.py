"""Actions that ask for nothing: the review comes first, and one button does it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from orgbilling.console.actions import ActionForm, ActionPage
from orgbilling.lib.errors import OrgBillingError


class ConfirmPage(ActionPage):
    """A page that shows at once what will happen."""

    template_name = "console/credits/confirm.html"
    form_class = ActionForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The review, or what forbids it."""
        form = self.form_class(page=self, initial=self.initial())
        try:
            return self._show(form, self.preview(form))
        except OrgBillingError as exc:
            return self.render_to_response(
                self.get_context_data(
                    form=form, preview=None, refusal=exc.detail, after_url=self.after_url()
                )
            )
