"""Validate the checks of the migration before, while everybody writes."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("organizations", "0005_webhook_notices")]

    operations = [
        ValidateConstraint(model_name="notice", name="notices_kind_check"),
        ValidateConstraint(model_name="noticepreference", name="notice_preferences_kind_check"),
    ]
