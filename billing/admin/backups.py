"""The console's page about runs of backups, restores and drills."""

from __future__ import annotations

from django.contrib import admin

from billing.models import BackupRun
from orgbilling.web.console import ReadOnlyAdmin


@admin.register(BackupRun)
class BackupRunAdmin(ReadOnlyAdmin):
    """What became of each run, for system admins."""

    list_display = (
        "started_at",
        "kind",
        "outcome",
        "file_name",
        "bytes",
        "milliseconds",
        "detail",
    )
    list_filter = ("kind", "outcome")
    ordering = ("-started_at", "-id")
    show_full_result_count = False
