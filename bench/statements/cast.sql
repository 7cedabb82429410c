SELECT set_config('orgbilling.now', (now() - make_interval(days => %(days)s))::text, true)
-- next
CREATE TEMPORARY TABLE everybody ON COMMIT DROP AS
SELECT
    org, usr,
    ('01900000000070008000' || lpad(to_hex(org::bigint), 12, '0'))::uuid AS org_id,
    ('01900000000070009000' || lpad(to_hex(org::bigint * 10000 + usr), 12, '0'))::uuid AS user_id,
    ('0190000000007000a000' || lpad(to_hex(org::bigint * 10000 + usr), 12, '0'))::uuid AS own_id,
    ('0190000000007000b000' || lpad(to_hex(org::bigint), 12, '0'))::uuid AS org_own_id,
    public.billing_now() AS start
FROM generate_series(0, %(organizations)s - 1) AS org,
    LATERAL generate_series(0, CASE WHEN org = 0 THEN %(crowd)s ELSE %(users)s END - 1) AS usr
-- next
INSERT INTO organizations (id, name, display_name, status, timezone, created_at, updated_at)
SELECT org_id, 'bench-' || org, 'Organization ' || org, 'active', 'UTC', start, start
FROM everybody WHERE usr = 0
-- next
INSERT INTO users (id, email, name, password, is_active, is_staff, is_superuser, created_at)
SELECT user_id, 'user-' || usr || '@bench-' || org || '.example', 'User ' || usr, '!', true, false, false, start
FROM everybody
-- next
INSERT INTO organization_members (id, org_id, user_id, role, joined_at)
SELECT own_id, org_id, user_id, CASE WHEN usr = 0 THEN 'owner' ELSE 'member' END, start
FROM everybody
-- next
INSERT INTO organization_subscriptions (
    id, org_id, subscription_plan, monthly_price, currency, yearly_months, billing_cycle, status, period_anchor,
    current_period_start, current_period_end, cancel_at_period_end, created_at, updated_at
)
SELECT everybody.org_own_id, everybody.org_id, plan.code, plan.monthly_price, 'USD', 10, 'monthly', 'active', start,
    start, start + interval '1 month', false, start, start
FROM everybody
INNER JOIN plans AS plan ON plan.code = 'platform'
WHERE usr = 0
-- next
SELECT public.add_credits_to_pool(
    org_id, org_own_id, ('0190000000007000c000' || lpad(to_hex(org::bigint), 12, '0'))::uuid,
    %(credits_each)s::bigint * CASE WHEN org = 0 THEN %(crowd)s ELSE %(users)s END, 'grant', NULL, %(actor)s,
    'bench-cast', NULL, NULL, ''
)
FROM everybody WHERE usr = 0
-- next
UPDATE organization_credit_pools SET spending_until = created_at + interval '1 year', price_plan = 'platform'
-- next
SELECT public.allocate_credits_to_user(
    org_id, user_id, own_id,
    ('0190000000007000d000' || lpad(to_hex(org::bigint * 10000 + usr), 12, '0'))::uuid,
    ('0190000000007000e000' || lpad(to_hex(org::bigint * 10000 + usr), 12, '0'))::uuid,
    %(credits_each)s::bigint, 'monthly', true, %(actor)s, 'bench-cast', NULL, NULL, ''
)
FROM everybody
-- next
INSERT INTO api_keys (id, name, prefix, key_hash, scopes, created_at)
VALUES (%(key_id)s, 'bench', %(key_prefix)s, %(key_hash)s, %(scopes)s, now())
