-- A big ledger, all of it a function of numbers, so that two runs make the same one. Each member has one big
-- allocation and two resets. Of fifty usage rows one captures half of a hold, and one refunds the row before it.
CREATE FUNCTION pg_temp.key(p_kind text, p_number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
AS $$ SELECT (substr(md5(p_kind), 1, 16) || lpad(to_hex(p_number), 16, '0'))::uuid $$;

SELECT set_config('orgbilling.door', 'open', false);

INSERT INTO users (id, email, name, password, is_active, is_staff, is_superuser, created_at)
SELECT pg_temp.key('user', n), 'user' || n || '@example.com', 'User ' || n, '!', true, false, false, now()
FROM generate_series(1, {members}) AS n;

INSERT INTO organizations (id, name, display_name, status, timezone, created_at, updated_at)
SELECT pg_temp.key('org', n), 'org-' || n, 'Organization ' || n, 'active', 'UTC', now(), now()
FROM generate_series(1, {organizations}) AS n;

INSERT INTO organization_members (id, org_id, user_id, role, joined_at)
SELECT pg_temp.key('member', n), pg_temp.key('org', 1 + n % {organizations}), pg_temp.key('user', n), 'member', now()
FROM generate_series(1, {members}) AS n;

INSERT INTO organization_credit_pools (id, org_id, total_credits, allocated_credits, monthly_refresh_amount,
    allow_overage, overage_limit, overage_rate, overage_used, overage_used_period, lifetime_purchased_credits,
    lifetime_spent_amount, account_limit, is_suspended, created_at, updated_at)
SELECT pg_temp.key('pool', n), pg_temp.key('org', n), 0, 0, 0, false, 0, 0.01, 0, 0, 0, 0, 1000, false, now(), now()
FROM generate_series(1, {organizations}) AS n;

INSERT INTO user_credit_allocations (id, org_id, user_id, budget_credits, used_credits, held_credits,
    remaining_credits, lifetime_used_credits, reset_period, reset_anchor, last_reset_date, next_reset_date, is_active,
    allocated_by, notes, created_at, updated_at)
SELECT pg_temp.key('allocation', n), pg_temp.key('org', 1 + n % {organizations}), pg_temp.key('user', n), 0, 0, 0, 0, 0,
    'monthly', now() - interval '90 days', date_trunc('day', now()) - interval '30 days', now() + interval '1 day',
    true, 'system', '', now() - interval '90 days', now()
FROM generate_series(1, {members}) AS n;

-- Charges, then holds with their captures, then refunds; all in the 90 days before now.
INSERT INTO credit_usage_attribution (id, org_id, user_id, allocation_id, credits_used, overage_credits, service_name,
    unit_price, quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash,
    actor, created_at)
SELECT pg_temp.key('usage', n), pg_temp.key('org', 1 + m % {organizations}), pg_temp.key('user', m),
    pg_temp.key('allocation', m), 10 * (1 + n % 5), 0, 'contact_lookup', 10, 1 + n % 5, 1, 'request-' || n, '{{}}', 1,
    'deduct', 'key-' || n, '\x00', 'system', now() - interval '90 days' * (1 - n::float / {usage})
FROM generate_series(1, {usage}) AS n, LATERAL (SELECT 1 + n % {members} AS m) AS member
WHERE n % 50 NOT IN (0, 25);

INSERT INTO credit_holds (id, org_id, user_id, allocation_id, credits, overage_credits, captured_credits,
    released_credits, expired_credits, overage_returned, status, service_name, request_id, metadata, remaining_credits,
    actor, expires_at, settled_at, created_at, updated_at)
SELECT pg_temp.key('hold', n), pg_temp.key('org', 1 + m % {organizations}), pg_temp.key('user', m),
    pg_temp.key('allocation', m), 20, 0, 10, CASE WHEN n % 100 = 25 THEN 10 ELSE 0 END, 0, 0,
    CASE WHEN n % 100 = 25 THEN 'captured' ELSE 'pending' END, 'contact_lookup', 'request-' || n, '{{}}', 1, 'system',
    at + interval '1 hour', CASE WHEN n % 100 = 25 THEN at END, at, at
FROM generate_series(25, {usage}, 50) AS n, LATERAL (
    SELECT 1 + n % {members} AS m, now() - interval '90 days' * (1 - n::float / {usage}) AS at
) AS member;

INSERT INTO credit_usage_attribution (id, org_id, user_id, allocation_id, credits_used, overage_credits, service_name,
    request_id, metadata, hold_id, remaining_credits, operation, actor, created_at)
SELECT pg_temp.key('usage', n), pg_temp.key('org', 1 + m % {organizations}), pg_temp.key('user', m),
    pg_temp.key('allocation', m), 10, 0, 'contact_lookup', 'request-' || n, '{{}}', pg_temp.key('hold', n), 1,
    'capture', 'system', now() - interval '90 days' * (1 - n::float / {usage})
FROM generate_series(25, {usage}, 50) AS n, LATERAL (SELECT 1 + n % {members} AS m) AS member;

INSERT INTO credit_usage_attribution (id, org_id, user_id, allocation_id, credits_used, overage_credits, service_name,
    request_id, metadata, refund_of_id, remaining_credits, operation, actor, created_at)
SELECT pg_temp.key('usage', n), u.org_id, u.user_id, u.allocation_id, -5, 0, u.service_name, 'request-' || n, '{{}}',
    u.id, 1, 'refund', 'system', least(now(), u.created_at + interval '20 days')
FROM generate_series(50, {usage}, 50) AS n
JOIN credit_usage_attribution AS u ON u.id = pg_temp.key('usage', n - 1);

-- Each member was given a lot once; two resets closed periods and moved nothing, for nothing was lacking.
INSERT INTO credit_journal (id, org_id, kind, from_bucket, to_bucket, credits, available_before, available_after, notes,
    actor, request_id, created_at)
SELECT pg_temp.key('grant', n), pg_temp.key('org', n), 'grant', 'outside', 'available', 1000000000, 0, 1000000000, '',
    'system', 'big', now() - interval '90 days'
FROM generate_series(1, {organizations}) AS n;

INSERT INTO credit_journal (id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before,
    available_after, remaining_before, remaining_after, notes, actor, request_id, created_at)
SELECT pg_temp.key('given', n), pg_temp.key('org', 1 + n % {organizations}), pg_temp.key('allocation', n), 'allocation',
    'available', 'remaining', 1000000, 1000000000, 999000000, 0, 1000000, '', 'system', 'big',
    now() - interval '90 days'
FROM generate_series(1, {members}) AS n;

-- Back and forth: what a member is given one time is taken back the next.
INSERT INTO credit_journal (id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before,
    available_after, remaining_before, remaining_after, notes, actor, request_id, idempotency_key, body_hash, created_at)
SELECT pg_temp.key('journal', n), pg_temp.key('org', 1 + m % {organizations}), pg_temp.key('allocation', m),
    CASE WHEN given THEN 'allocation' ELSE 'reclaim' END, CASE WHEN given THEN 'available' ELSE 'remaining' END,
    CASE WHEN given THEN 'remaining' ELSE 'available' END, 10, 500, CASE WHEN given THEN 490 ELSE 510 END, 500,
    CASE WHEN given THEN 510 ELSE 490 END, '', 'system', 'request-' || n, 'key-' || n, '\x00',
    now() - interval '90 days' * (1 - n::float / {usage})
FROM generate_series(2, {usage} + 1) AS n, LATERAL (SELECT 1 + n / 2 % {members} AS m, n % 2 = 0 AS given) AS way;

-- A refund counts in the period of its charge; once that is closed, in none.
CREATE TEMPORARY TABLE spent AS
SELECT u.org_id, u.allocation_id, sum(u.credits_used) AS lifetime,
    coalesce(sum(u.credits_used) FILTER (WHERE u.created_at < first.reset), 0) AS first,
    coalesce(sum(u.credits_used) FILTER (
        WHERE u.created_at >= first.reset AND u.created_at < second.reset
            AND coalesce(charged.created_at, u.created_at) >= first.reset), 0) AS second,
    coalesce(sum(u.credits_used) FILTER (
        WHERE coalesce(charged.created_at, u.created_at) >= second.reset), 0) AS third
FROM credit_usage_attribution AS u
CROSS JOIN (SELECT date_trunc('day', now()) - interval '60 days' AS reset) AS first
CROSS JOIN (SELECT date_trunc('day', now()) - interval '30 days' AS reset) AS second
LEFT JOIN credit_usage_attribution AS charged ON charged.id = u.refund_of_id
GROUP BY u.org_id, u.allocation_id;

INSERT INTO credit_journal (id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before,
    available_after, remaining_before, remaining_after, period_start, period_used_credits, notes, actor, request_id,
    created_at)
SELECT gen_random_uuid(), spent.org_id, spent.allocation_id, 'reset', 'available', 'remaining', 0, 0, 0, 1, 1, period.at,
    period.used, '', 'system', 'big', period.at
FROM spent, LATERAL (
    VALUES (date_trunc('day', now()) - interval '60 days', spent.first),
        (date_trunc('day', now()) - interval '30 days', spent.second)
) AS period (at, used);

-- Balances: the sums.
UPDATE user_credit_allocations AS a
SET lifetime_used_credits = spent.lifetime, used_credits = spent.third, held_credits = coalesce(held.credits, 0),
    remaining_credits = 1000000 - spent.lifetime - coalesce(held.credits, 0)
FROM spent
LEFT JOIN (
    SELECT allocation_id, sum(credits - captured_credits) AS credits FROM credit_holds WHERE status = 'pending'
    GROUP BY allocation_id
) AS held ON held.allocation_id = spent.allocation_id
WHERE spent.allocation_id = a.id;

UPDATE organization_credit_pools AS pool
SET total_credits = 1000000000, allocated_credits = 1000000 * members.number
FROM (SELECT org_id, count(*) AS number FROM organization_members GROUP BY org_id) AS members
WHERE members.org_id = pool.org_id;
SELECT set_config('orgbilling.door', '', false);
