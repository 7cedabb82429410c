"""Validate the checks of the migration before, and tie holds to what they belong to, organization included."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

# credit_holds is new and empty; of credit_usage_attribution no row has a hold yet.
FORWARD = """
-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE credit_holds ADD CONSTRAINT hold_allocation_fk
    FOREIGN KEY (org_id, allocation_id) REFERENCES user_credit_allocations (org_id, id);
ALTER TABLE credit_usage_attribution ADD CONSTRAINT usage_hold_fk
    FOREIGN KEY (org_id, hold_id) REFERENCES credit_holds (org_id, id) NOT VALID;
ALTER TABLE credit_usage_attribution VALIDATE CONSTRAINT usage_hold_fk;
-- A hold is rewritten when it is settled.
ALTER TABLE credit_holds SET (fillfactor = 80);
"""

BACK = """
ALTER TABLE credit_holds RESET (fillfactor);
ALTER TABLE credit_usage_attribution DROP CONSTRAINT usage_hold_fk;
ALTER TABLE credit_holds DROP CONSTRAINT hold_allocation_fk;
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0008_live_checks")]

    operations = [
        ValidateConstraint(model_name="creditpool", name="pool_refresh_has_anchor"),
        ValidateConstraint(model_name="creditpool", name="pool_thresholds_range"),
        ValidateConstraint(model_name="journalentry", name="journal_refresh_has_period"),
        ValidateConstraint(model_name="journalentry", name="journal_shortfall_of_reset"),
        ValidateConstraint(model_name="usage", name="usage_overage_within_credits"),
        ValidateConstraint(model_name="usage", name="usage_price_times_quantity"),
        ValidateConstraint(model_name="usage", name="usage_capture_has_hold"),
        ValidateConstraint(model_name="journalentry", name="journal_remaining_adds_up"),
        ValidateConstraint(model_name="journalentry", name="journal_reset_has_period"),
        migrations.RunSQL(FORWARD, BACK),
    ]
