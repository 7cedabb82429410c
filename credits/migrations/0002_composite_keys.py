"""Foreign keys inside the ledger carry the organization, so that no row can point into another one's.

They are made here because Django has no composite foreign key. NULL in the second column skips the check.
"""

from django.db import migrations

# The tables are new and empty: nothing is scanned and nobody waits.
FORWARD = """
-- squawk-ignore-file constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE user_credit_allocations ADD CONSTRAINT allocation_active_member_fk
    FOREIGN KEY (org_id, active_user_id) REFERENCES organization_members (org_id, user_id);
ALTER TABLE user_credit_allocations ADD CONSTRAINT allocation_pool_fk
    FOREIGN KEY (org_id) REFERENCES organization_credit_pools (org_id);
ALTER TABLE credit_usage_attribution ADD CONSTRAINT usage_allocation_fk
    FOREIGN KEY (org_id, allocation_id) REFERENCES user_credit_allocations (org_id, id);
ALTER TABLE credit_usage_attribution ADD CONSTRAINT usage_refund_of_fk
    FOREIGN KEY (org_id, refund_of_id) REFERENCES credit_usage_attribution (org_id, id);
ALTER TABLE credit_journal ADD CONSTRAINT journal_allocation_fk
    FOREIGN KEY (org_id, allocation_id) REFERENCES user_credit_allocations (org_id, id);
-- Every charge rewrites its allocation: room on the page keeps the new version out of the indexes.
ALTER TABLE user_credit_allocations SET (fillfactor = 50);
"""

BACK = """
ALTER TABLE user_credit_allocations RESET (fillfactor);
ALTER TABLE credit_journal DROP CONSTRAINT journal_allocation_fk;
ALTER TABLE credit_usage_attribution DROP CONSTRAINT usage_refund_of_fk;
ALTER TABLE credit_usage_attribution DROP CONSTRAINT usage_allocation_fk;
ALTER TABLE user_credit_allocations DROP CONSTRAINT allocation_pool_fk;
ALTER TABLE user_credit_allocations DROP CONSTRAINT allocation_active_member_fk;
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
