"""What is low on the day of the upgrade is known already: nobody is told of it, but of what becomes low from now on."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

FORWARD = """
INSERT INTO low_credit_episodes (id, org_id, allocation_id, level, left_credits, whole_credits, began_at)
SELECT gen_random_uuid(), a.org_id, a.id, l.level, a.remaining_credits, a.allocated_credits, now()
FROM user_credit_allocations AS a
CROSS JOIN (VALUES ('low'), ('exhausted')) AS l (level)
WHERE a.is_active AND a.allocated_credits > 0
  AND CASE l.level
      WHEN 'exhausted' THEN a.remaining_credits = 0
      ELSE a.remaining_credits::numeric * 100 <= a.allocated_credits::numeric * a.alert_threshold_percent
  END;
INSERT INTO low_credit_episodes (id, org_id, level, left_credits, whole_credits, began_at)
SELECT gen_random_uuid(), p.org_id, l.level, p.available_credits, greatest(p.there, 0), now()
FROM (
    SELECT pool.*, pool.total_credits + pool.overage_used - coalesce((
        SELECT sum(a.lifetime_used_credits) FROM user_credit_allocations AS a WHERE a.org_id = pool.org_id
    ), 0) AS there
    FROM organization_credit_pools AS pool
) AS p
CROSS JOIN (VALUES ('low'), ('exhausted')) AS l (level)
WHERE p.there > 0
  AND CASE l.level
      WHEN 'exhausted' THEN p.available_credits = 0
      ELSE p.available_credits::numeric * 100 < p.there * p.alert_threshold_percent
          OR p.available_credits < p.alert_threshold_credits
  END;
"""

BACK = """
DELETE FROM low_credit_episodes;
"""


class Migration(migrations.Migration):
    dependencies = [("credits", "0015_low_credit_episodes")]

    operations = [
        ValidateConstraint(model_name="allocation", name="allocation_thresholds_range"),
        migrations.RunSQL(FORWARD, BACK),
    ]
