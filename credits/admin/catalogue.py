"""The console's pages about the catalogue: services, and versions of their prices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.http import HttpRequest

from credits.models import Price, Service
from organizations.choices import AuditAction
from organizations.models import AuditLogEntry
from organizations.scoping import principal_of
from orgbilling.lib.clock import now
from orgbilling.web.console import ForgivingAdmin, ReadOnlyAdmin


@admin.register(Service)
class ServiceAdmin(ForgivingAdmin):
    """The services of the catalogue; what one costs is said by the versions of its price."""

    list_display = ("name", "title", "unit")
    search_fields = ("name", "title")

    def get_readonly_fields(self, request: HttpRequest, obj: Service | None = None) -> list[str]:
        """A name that usage rows and prices carry doesn't change."""
        return ["name"] if obj is not None else []

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save, and tell the audit log what was changed."""
        edit = AuditLogEntry.objects.edit(
            AuditAction.SERVICE_EDITED,
            obj,
            fields=("name", "title", "unit"),
            by=principal_of(request),
        )
        with edit:
            super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Service | None = None) -> bool:
        """Refuse: its prices are history."""
        return False


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new version of a price, checked by the manager that makes it."""

    effective_from = forms.SplitDateTimeField(
        required=False,
        widget=AdminSplitDateTime,
        help_text="When it takes effect (UTC). Empty: at once. Never in the past.",
    )

    class Meta:
        model = Price
        fields = (
            "service",
            "platform_credits",
            "byok_credits",
            "hybrid_credits",
            "effective_from",
        )

    def clean_effective_from(self) -> datetime | None:
        """A moment to come, or none."""
        moment: datetime | None = self.cleaned_data["effective_from"]
        if moment is not None and moment < now():
            raise forms.ValidationError("A price can't begin in the past.", code="in_the_past")
        return moment


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    """The catalogue and its history. A price is changed by adding a version, which takes effect at a time."""

    form = PriceForm
    list_display = (
        "service",
        "version",
        "platform_credits",
        "byok_credits",
        "hybrid_credits",
        "effective_from",
    )
    list_filter = ("service",)
    ordering = ("service", "-version")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """System admins add versions."""
        return bool(request.user.is_active and request.user.is_superuser)

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Add the version by its manager, which numbers it under a lock."""
        made = Price.objects.add_version(
            service_name=obj.service_id,
            platform_credits=obj.platform_credits,
            byok_credits=obj.byok_credits,
            hybrid_credits=obj.hybrid_credits,
            effective_from=form.cleaned_data["effective_from"],
            by=principal_of(request),
        )
        obj.pk, obj.version, obj.effective_from = made.pk, made.version, made.effective_from
