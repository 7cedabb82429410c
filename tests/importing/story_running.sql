-- Initech as the predecessor's running system has it, with what that leaves behind: fractions, capitals, NULLs, people
-- of one address, a switched-off member, text in place of JSON, an organization that has no row.
INSERT INTO organizations (id, name, slug, is_active, created_at, updated_at)
VALUES ('22222222-2222-4222-8222-222222222222', 'Initech, Ltd.', 'Initech Ltd', true, '2026-01-01', '2026-01-01');
INSERT INTO users (id, email, full_name, keycloak_id)
VALUES ('b0000000-0000-4000-8000-000000000001', 'Peter@Initech.example', 'Peter', 'kc-peter'),
('b0000000-0000-4000-8000-000000000002', 'michael@initech.example', 'Michael', NULL),
('b0000000-0000-4000-8000-000000000003', 'peter@initech.example', 'Peter again', NULL),
('b0000000-0000-4000-8000-000000000004', NULL, 'Samir', NULL);
INSERT INTO organization_members (id, organization_id, user_id, role, is_active, joined_at, updated_at)
VALUES ('m1', '22222222-2222-4222-8222-222222222222', 'b0000000-0000-4000-8000-000000000001', 'ADMIN', true, '2026-01-01',
    '2026-01-01'),
('m2', '22222222-2222-4222-8222-222222222222', 'b0000000-0000-4000-8000-000000000002', 'OWNER', true, '2026-01-01',
    '2026-01-01'),
('m3', '22222222-2222-4222-8222-222222222222', 'b0000000-0000-4000-8000-000000000003', 'VIEWER', true, '2026-01-01',
    '2026-01-01'),
('m4', '22222222-2222-4222-8222-222222222222', 'b0000000-0000-4000-8000-000000000004', 'MEMBER', false, '2026-01-01',
    '2026-01-01');
INSERT INTO organization_credit_pools (org_id, total_credits, allocated_credits, used_credits)
VALUES ('22222222-2222-4222-8222-222222222222', 1000.5, 300, 30.9), ('33333333-3333-4333-8333-333333333333', 70, 0, NULL);
INSERT INTO user_credit_allocations (id, org_id, user_id, allocated_credits, used_credits, remaining_credits,
    reset_period)
VALUES ('d0000000-0000-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222',
    'b0000000-0000-4000-8000-000000000001', 200, 30.9, 169.1, 'WEEKLY'),
-- Kept by hand: 100 were given, none used, and 120 are shown.
('d0000000-0000-4000-8000-000000000002', '22222222-2222-4222-8222-222222222222', 'b0000000-0000-4000-8000-000000000002',
    100, 0, 120, 'fortnightly');
INSERT INTO credit_usage_attribution (id, org_id, user_id, credits_used, service_type, service_name, request_id,
    request_metadata, created_at)
VALUES ('e0000000-0000-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222',
    'b0000000-0000-4000-8000-000000000001', 0.9, NULL, NULL, '', 'not json', '2026-02-01 10:00'),
('e0000000-0000-4000-8000-000000000002', '22222222-2222-4222-8222-222222222222', 'b0000000-0000-4000-8000-000000000003',
    30, 'llm', 'gpt-4', 'req 9', '{"a": "\u0000b"}', '2026-02-02 10:00');
INSERT INTO org_billing_history (id, org_id, event_type, amount, currency, payment_status, description, created_at)
VALUES ('f0000000-0000-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222', 'credit_purchase', 10.00, 'USD',
    NULL, 'Purchased 1000 credits', '2026-01-02'),
('f0000000-0000-4000-8000-000000000002', '22222222-2222-4222-8222-222222222222', 'invoice_created', 50.00, 'EUR',
    'pending', NULL, '2026-02-02');
