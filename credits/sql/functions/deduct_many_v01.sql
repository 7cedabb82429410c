-- Charge many items of any organizations in one call: each the ordinary way, or not at all. It never locks or writes a
-- pool. p_items is an array of objects: org_id, usage_id, user_id, credits or quantity, service_name, service_type,
-- request_id, metadata, key, hash (hex), actor. p_lock_timeout_ms: how long it waits for a lock at most, 0 for ever.
-- Returns a row an item, by o_index from 0: 'charged', or 'needs_pool' for one that meets a limit, a reset, a key that
-- was used before or comes twice (nothing was changed for it: deduct_credits and deduct_credits_with_pool decide).
-- Many organizations in one call: for one PostgreSQL, not for a distributed database.
-- Locks: the allocations, by organization and user. Errors: OB001 argument missing, OB009 a key was claimed by another
-- transaction meanwhile (nothing was changed).
CREATE OR REPLACE FUNCTION public.deduct_many(p_items jsonb, p_lock_timeout_ms integer)
RETURNS TABLE (
    o_index integer,
    o_outcome text,
    o_detail text,
    o_usage_id uuid,
    o_allocation_id uuid,
    o_credits_used bigint,
    o_overage_credits bigint,
    o_unit_price bigint,
    o_price_version integer,
    o_request_id text,
    o_remaining_credits bigint,
    o_created_at timestamptz
)
LANGUAGE plpgsql
-- Arrays of known length tempt the planner to plan each call anew, which costs more than it saves.
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_count integer;
    v_places integer[];
    v_usages uuid[];
    v_orgs uuid[];
    v_allocations uuid[];
    v_needed bigint[];
    v_prices bigint[];
    v_versions integer[];
    v_left bigint[];
    v_moments timestamptz[];
BEGIN
    IF p_items IS NULL OR p_lock_timeout_ms IS NULL THEN
        RAISE EXCEPTION 'items and a patience are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM set_config('lock_timeout', p_lock_timeout_ms::text, true);
    PERFORM 1 FROM public.user_credit_allocations AS a
    INNER JOIN (
        SELECT DISTINCT i.org_id, i.user_id FROM jsonb_to_recordset(p_items) AS i (org_id uuid, user_id uuid)
    ) AS asked ON a.org_id = asked.org_id AND a.user_id = asked.user_id
    ORDER BY a.org_id, a.user_id
    FOR NO KEY UPDATE OF a;

    SELECT array_agg(one.place ORDER BY one.place), array_agg(one.usage_id ORDER BY one.place),
        array_agg(one.org_id ORDER BY one.place), array_agg(one.allocation_id ORDER BY one.place),
        array_agg(one.needed ORDER BY one.place), array_agg(one.unit_price ORDER BY one.place),
        array_agg(one.price_version ORDER BY one.place), array_agg(one.left_after ORDER BY one.place),
        array_agg(one.created_at ORDER BY one.place)
    INTO v_places, v_usages, v_orgs, v_allocations, v_needed, v_prices, v_versions, v_left, v_moments
    FROM (
        SELECT asked.place, asked.usage_id, a.org_id, a.id AS allocation_id, asked.needed::bigint AS needed,
            asked.unit_price, asked.version AS price_version,
            (a.remaining_credits - sum(asked.needed) OVER (PARTITION BY a.id ORDER BY asked.place))::bigint
                AS left_after,
            greatest(v_now, a.last_reset_date) AS created_at
        FROM (
            SELECT (item.ordinality - 1)::integer AS place, (item.value ->> 'usage_id')::uuid AS usage_id,
                (item.value ->> 'org_id')::uuid AS org_id,
                (item.value ->> 'user_id')::uuid AS user_id, item.value ->> 'key' AS key, price.unit_price,
                price.version,
                count(*) OVER (PARTITION BY item.value ->> 'org_id', item.value ->> 'key') AS times,
                coalesce(
                    (item.value ->> 'credits')::numeric, price.unit_price * (item.value ->> 'quantity')::numeric
                ) AS needed
            FROM jsonb_array_elements(p_items) WITH ORDINALITY AS item
            INNER JOIN public.organization_credit_pools AS pool ON pool.org_id = (item.value ->> 'org_id')::uuid
                AND NOT pool.is_suspended AND pool.spending_until > v_now
            LEFT JOIN LATERAL public.price_of_service(
                item.value ->> 'service_name',
                CASE WHEN pool.next_price_plan_at <= v_now THEN pool.next_price_plan ELSE pool.price_plan END, v_now
            ) AS price ON item.value ->> 'quantity' IS NOT NULL
            WHERE num_nonnulls(item.value ->> 'credits', item.value ->> 'quantity') = 1
                AND coalesce(item.value ->> 'credits', item.value ->> 'quantity')::numeric
                    BETWEEN 1 AND 1000000000000000
        ) AS asked
        INNER JOIN public.user_credit_allocations AS a ON a.org_id = asked.org_id AND a.user_id = asked.user_id
        WHERE a.is_active
            AND (a.next_reset_date IS NULL OR a.next_reset_date > v_now)
            AND asked.needed <= 1000000000000000
            AND (
                asked.key IS NULL
                OR asked.times = 1 AND NOT EXISTS (
                    SELECT 1 FROM public.credit_usage_attribution AS u
                    WHERE u.org_id = asked.org_id AND u.operation = 'deduct' AND u.idempotency_key = asked.key
                )
                AND NOT EXISTS (
                    SELECT 1 FROM public.idempotency_answers AS answer
                    WHERE answer.org_id = asked.org_id AND answer.operation = 'deduct' AND answer.key = asked.key
                        AND (answer.expires_at IS NULL OR answer.expires_at > v_now)
                )
            )
    ) AS one
    WHERE one.left_after >= 0;

    IF v_places IS NOT NULL THEN
        PERFORM set_config('orgbilling.door', 'open', true);
        UPDATE public.user_credit_allocations AS a
        SET remaining_credits = a.remaining_credits - spent.credits,
            used_credits = a.used_credits + spent.credits,
            lifetime_used_credits = a.lifetime_used_credits + spent.credits,
            updated_at = v_now
        FROM (
            SELECT one.org_id, one.allocation_id, sum(one.needed)::bigint AS credits
            FROM unnest(v_orgs, v_allocations, v_needed) AS one (org_id, allocation_id, needed)
            GROUP BY one.org_id, one.allocation_id
        ) AS spent
        WHERE a.org_id = spent.org_id AND a.id = spent.allocation_id;
        INSERT INTO public.credit_usage_attribution (
            id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
            quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash,
            actor, created_at
        )
        SELECT one.usage_id, one.org_id, (p_items -> one.place ->> 'user_id')::uuid, one.allocation_id,
            one.needed, 0, p_items -> one.place ->> 'service_type', p_items -> one.place ->> 'service_name',
            one.unit_price, (p_items -> one.place ->> 'quantity')::bigint, one.version,
            p_items -> one.place ->> 'request_id', p_items -> one.place -> 'metadata', one.left_after, 'deduct',
            p_items -> one.place ->> 'key', decode(p_items -> one.place ->> 'hash', 'hex'),
            p_items -> one.place ->> 'actor', one.moment
        FROM unnest(v_places, v_usages, v_orgs, v_allocations, v_needed, v_prices, v_versions, v_left, v_moments)
            AS one (place, usage_id, org_id, allocation_id, needed, unit_price, version, left_after, moment)
        ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count <> cardinality(v_places) THEN
            RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
        END IF;
        PERFORM set_config('orgbilling.door', '', true);
    END IF;
    RETURN QUERY
    SELECT item.place::integer, CASE WHEN one.place IS NULL THEN 'needs_pool' ELSE 'charged' END, NULL::text,
        one.usage_id, one.allocation_id, one.needed, 0::bigint, one.unit_price, one.version,
        p_items -> item.place ->> 'request_id', one.left_after, one.moment
    FROM generate_series(0, jsonb_array_length(p_items) - 1) AS item (place)
    LEFT JOIN unnest(v_places, v_usages, v_allocations, v_needed, v_prices, v_versions, v_left, v_moments)
        AS one (place, usage_id, allocation_id, needed, unit_price, version, left_after, moment)
        ON one.place = item.place
    ORDER BY item.place;
END
$$;
