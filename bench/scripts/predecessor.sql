\set org random(0, :orgs - 1)
\set person :org * 10000 + random(0, :users - 1)
\set key random(1, 9000000000000000000)
SELECT predecessor.deduct_credits(
    ('01900000000070008000' || lpad(to_hex(:org::bigint), 12, '0'))::uuid::text,
    ('01900000000070009000' || lpad(to_hex(:person::bigint), 12, '0'))::uuid::text,
    10, 'api', 'contact_lookup', 0.04, 'bench-' || :key::bigint, '{"company": "acme.example"}'
);
