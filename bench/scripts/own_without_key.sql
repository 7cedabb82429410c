\set org random(0, :orgs - 1)
\set person :org * 10000 + random(0, :users - 1)
\set key random(1, 9000000000000000000)
SELECT * FROM public.deduct_credits(
    ('01900000000070008000' || lpad(to_hex(:org::bigint), 12, '0'))::uuid,
    ('01900000000070009000' || lpad(to_hex(:person::bigint), 12, '0'))::uuid,
    {new_id}, 10, NULL, 'contact_lookup', 'api', 'bench-' || :key::bigint, '{"company": "acme.example"}',
    NULL, NULL, 'key:01900000-0000-7000-b000-000000000001'
);
