\set org random(0, :orgs - 1)
\set person :org * 10000 + random(0, :users - 1)
\set key random(1, 9000000000000000000)
WITH paid AS (
    UPDATE bare.balances
    SET remaining_credits = remaining_credits - 10, used_credits = used_credits + 10
    WHERE user_id = ('01900000000070009000' || lpad(to_hex(:person::bigint), 12, '0'))::uuid
    RETURNING org_id, user_id, allocation_id, remaining_credits
)
INSERT INTO bare.usage (
    id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, request_id, metadata,
    remaining_credits, operation, idempotency_key, body_hash, actor, created_at
)
SELECT {new_id}, org_id, user_id, allocation_id, 10, 0, 'api', 'contact_lookup', 'bench-' || :key::bigint,
    '{"company": "acme.example"}'::jsonb, remaining_credits, 'deduct', 'bench-' || :key::bigint,
    '\x7509e5bda0c762d2bac7f90d758b5b2263fa01ccbc542ab5e3df163be08e6ca9'::bytea,
    'key:01900000-0000-7000-b000-000000000001', now()
FROM paid;
