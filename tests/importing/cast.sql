-- Acme as the predecessor's migration files have it: 10,000 credits, of which Alice has 1,000 and has spent 300 in two
-- requests, and Bob has 500.
INSERT INTO organizations (id, name, display_name, created_at)
VALUES ('11111111-1111-4111-8111-111111111111', 'acme', 'Acme Inc.', '2026-01-01');
INSERT INTO organization_members (org_id, user_id, role, joined_at)
VALUES ('11111111-1111-4111-8111-111111111111', 'alice@example.com', 'owner', '2026-01-01'),
('11111111-1111-4111-8111-111111111111', 'bob@example.com', 'member', '2026-01-02');
INSERT INTO organization_credit_pools (org_id, total_credits, allocated_credits, used_credits, created_at)
VALUES ('11111111-1111-4111-8111-111111111111', 10000, 1500, 300, '2026-01-01');
INSERT INTO user_credit_allocations (id, org_id, user_id, allocated_credits, used_credits, created_at)
VALUES ('aaaaaaaa-0000-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', 'alice@example.com', 1000, 300,
    '2026-01-03'),
('aaaaaaaa-0000-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111', 'bob@example.com', 500, 0, '2026-01-04');
INSERT INTO credit_usage_attribution (id, org_id, user_id, allocation_id, credits_used, service_type, service_name,
    request_id, request_metadata, created_at)
VALUES ('cccccccc-0000-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', 'alice@example.com',
    'aaaaaaaa-0000-4000-8000-000000000001', 100, 'llm', 'gpt-4', 'req-1', '{"tokens": 7}', '2026-02-01'),
('cccccccc-0000-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111', 'alice@example.com',
    'aaaaaaaa-0000-4000-8000-000000000001', 200, 'llm', 'gpt-4', 'req-2', NULL, '2026-02-02');
