"""Forms that do something: ask for what is needed, show what it will change, do it once, say what happened."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from credits.functions import Origin
from credits.idempotency import hash_body, run_once
from orgbilling.console.pages import OrgPage
from orgbilling.lib.errors import IdempotencyKeyReused, OrgBillingError


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a preview: what a value is, and what it will be. Values are shown as given."""

    label: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Preview:
    """What will happen when the form is confirmed.

    Attributes:
        summary: one sentence.
        changes: values before and after.
        warnings: what the person should know before confirming.
    """

    summary: str
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class ActionForm(forms.Form):
    """A form with the key that makes sending it twice the same as once."""

    required_css_class = "required"
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, page: ActionPage, **kwargs: Any) -> None:
        self.page = page
        kwargs["initial"] = {**kwargs.get("initial", {}), "key": uuid.uuid4()}  # noqa: TID251 - a secret, no row's key
        super().__init__(*args, **kwargs)

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for, as JSON has it: with the ids of the address, the key stands for exactly this."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "key"}
        return cast("dict[str, Any]", json.loads(json.dumps(values, default=str)))


class ActionPage(OrgPage):
    """A page with a form, a review of what it will do, and the doing.

    A domain error becomes the form's error; an answer that was given to the same key before is given again.
    """

    template_name = "console/action.html"
    form_class: ClassVar[type[ActionForm]]
    #: The key's scope inside the organization.
    operation: ClassVar[str]
    #: What the button says that does it.
    verb: ClassVar[str] = "Save"
    #: One or two sentences above the form.
    introduction: ClassVar[str] = ""
    #: Where it leads afterwards: a name of an address of the organization.
    after: ClassVar[str] = "org_dashboard"

    def preview(self, form: Any) -> Preview | None:
        """What will happen; None when there is nothing to review and the form is done at once.

        Raises:
            OrgBillingError: what forbids it, before anything is asked.
        """
        return None

    def perform(self, form: Any, origin: Origin) -> str:
        """Do it, inside the one transaction of the request; what happened, as a sentence for the person.

        Raises:
            OrgBillingError: what forbids it; nothing has changed.
        """
        raise NotImplementedError

    def initial(self) -> dict[str, Any]:
        """What the form begins with: what the address says."""
        return self.request.GET.dict()

    def after_url(self) -> str:
        """Where the person is led afterwards."""
        return reverse(f"admin:{self.after}", args=[self.org_id])

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The empty form."""
        return self._show(self.form_class(page=self, initial=self.initial()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Review what was sent, or do what was reviewed."""
        form = self.form_class(request.POST, page=self)
        if not form.is_valid() or "edit" in request.POST:
            return self._show(form)
        try:
            # What was confirmed is not previewed again: sent twice, it finds its own effect in the way.
            preview = self.preview(form) if "confirmed" not in request.POST else None
            return self._show(form, preview) if preview is not None else self._do(form)
        except IdempotencyKeyReused:
            _renew(form)
            form.add_error(
                None,
                "This form was sent before with other values, and that was done. "
                "Look at it first; send this again if you still want it.",
            )
            return self._show(form)
        except OrgBillingError as exc:
            _explain(form, exc)
            return self._show(form)

    def _do(self, form: ActionForm) -> HttpResponseBase:
        answer = run_once(
            org_id=self.org_id,
            operation=f"console/{self.operation}",
            key=str(form.cleaned_data["key"]),
            body_hash=hash_body(self.operation, self.kwargs, form.asked),
            work=lambda: (200, {"message": self.perform(form, self.origin)}),
        )
        document = json.loads(answer.body)
        if answer.status >= 400:
            _renew(form)
            form.add_error(None, document["detail"])
            return self._show(form)
        messages.success(self.request, document["message"])
        return redirect(self.after_url())

    def _show(self, form: ActionForm, preview: Preview | None = None) -> HttpResponse:
        return self.render_to_response(
            self.get_context_data(
                form=form,
                preview=preview,
                verb=self.verb,
                introduction=self.introduction,
                after_url=self.after_url(),
            )
        )


def _explain(form: ActionForm, exc: OrgBillingError) -> None:
    for error in exc.extra.get("errors", [{"field": None, "detail": exc.detail}]):
        name = error["field"] if error["field"] in form.fields else None
        form.add_error(name, error["detail"])


def _renew(form: ActionForm) -> None:
    """Give the form a new key: its old one stands for something that is final."""
    data = cast("QueryDict", form.data).copy()
    data["key"] = str(uuid.uuid4())  # noqa: TID251 - a secret, no row's key
    form.data = data
