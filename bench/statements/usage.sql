-- Rows first to last of all, as one statement: drawn, priced, charged to their allocations in order.
WITH span AS MATERIALIZED (
    SELECT min(created_at) AS start, now() - min(created_at) AS long FROM public.user_credit_allocations
),
lots AS MATERIALIZED (
    SELECT n, random() ^ 3 AS org_lot, random() ^ 1.5 AS user_lot, random() AS service_lot, random() AS quantity_lot
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
),
drawn AS MATERIALIZED (
    SELECT n,
        floor(org_lot * %(organizations)s)::bigint AS org,
        floor(user_lot * CASE WHEN org_lot * %(organizations)s < 1 THEN %(crowd)s ELSE %(users)s END)::bigint AS usr,
        CASE
            WHEN service_lot < 0.45 THEN 'intelligence_cache_lookup'
            WHEN service_lot < 0.80 THEN 'contact_lookup'
            WHEN service_lot < 0.92 THEN 'company_enrichment'
            ELSE 'bulk_export'
        END AS service,
        CASE WHEN service_lot < 0.92 THEN 1 ELSE 1 + floor(quantity_lot * 20)::bigint END AS quantity,
        -- Days of the span at an even pace; within a day most of it around noon.
        floor(n::double precision * %(days)s / %(rows)s) + 0.5
            + 4 * power(mod((n::numeric * %(days)s / %(rows)s), 1)::double precision - 0.5, 3) AS day
    FROM lots
),
charges AS MATERIALIZED (
    SELECT drawn.n, drawn.service, drawn.quantity, price.platform_credits AS unit_price, price.version,
        price.platform_credits * drawn.quantity AS credits,
        span.start + span.long * (drawn.day / %(days)s) AS moment,
        a.id AS allocation_id, a.org_id, a.user_id,
        a.remaining_credits - sum(price.platform_credits * drawn.quantity)
            OVER (PARTITION BY a.id ORDER BY drawn.n) AS left_after
    FROM drawn
    CROSS JOIN span
    INNER JOIN public.service_prices AS price ON price.service_id = drawn.service AND price.version = 1
    INNER JOIN public.user_credit_allocations AS a
        ON a.org_id = ('01900000000070008000' || lpad(to_hex(drawn.org), 12, '0'))::uuid
        AND a.user_id = ('01900000000070009000' || lpad(to_hex(drawn.org * 10000 + drawn.usr), 12, '0'))::uuid
),
inserted AS (
    INSERT INTO public.credit_usage_attribution (
        id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
        quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash, actor,
        created_at
    )
    SELECT
        -- UUIDs of version 7 that say the moment of the charge, and are told apart by its number.
        (
            lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7000'
            || to_hex(x'9000000000000000'::bigint + n)
        )::uuid,
        org_id, user_id, allocation_id, credits, 0, 'api', service, unit_price, quantity, version,
        'fill-' || to_hex(n * 2654435761), jsonb_build_object('company', 'company-' || n %% 997 || '.example'),
        left_after, 'deduct', 'fill-' || to_hex(n * 2654435761), sha256(int8send(n)), %(actor)s, moment
    FROM charges
    ORDER BY n
)
UPDATE public.user_credit_allocations AS a
SET remaining_credits = a.remaining_credits - spent.credits,
    used_credits = a.used_credits + spent.credits,
    lifetime_used_credits = a.lifetime_used_credits + spent.credits,
    updated_at = now()
FROM (
    SELECT allocation_id, sum(credits)::bigint AS credits FROM charges GROUP BY allocation_id
) AS spent
WHERE a.id = spent.allocation_id
