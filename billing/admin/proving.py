"""The console's page about runs of the ledger's proof."""

from __future__ import annotations

from django.contrib import admin

from billing.models import LedgerCheck
from orgbilling.web.console import ReadOnlyAdmin


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    """What each run of the proof found, for system admins; the dashboard shows the last and begins another."""

    list_display = (
        "started_at",
        "finished_at",
        "checked",
        "violations",
        "milliseconds",
        "asked_by",
    )
    ordering = ("-started_at", "-id")
    show_full_result_count = False
