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
    v_claimed boolean;
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

    PERFORM set_config('orgbilling.door', 'open', true);
    -- One statement: what PostgreSQL prepares for a statement costs more than what it does for an item.
    FOR o_index, o_outcome, o_detail, o_usage_id, o_allocation_id, o_credits_used, o_overage_credits, o_unit_price,
        o_price_version, o_request_id, o_remaining_credits, o_created_at, v_claimed IN
    WITH item AS MATERIALIZED (
        SELECT (one.ordinality - 1)::integer AS place, one.value
        FROM jsonb_array_elements(p_items) WITH ORDINALITY AS one
    ),
    passing AS MATERIALIZED (
        SELECT one.*
        FROM (
            SELECT asked.place, asked.value, asked.usage_id, a.org_id, a.user_id, a.id AS allocation_id,
                asked.needed::bigint AS needed, asked.unit_price, asked.version AS price_version,
                (a.remaining_credits - sum(asked.needed) OVER (PARTITION BY a.id ORDER BY asked.place))::bigint
                    AS left_after,
                greatest(v_now, a.last_reset_date) AS created_at
            FROM (
                SELECT item.place, item.value, (item.value ->> 'usage_id')::uuid AS usage_id,
                    (item.value ->> 'org_id')::uuid AS org_id,
                    (item.value ->> 'user_id')::uuid AS user_id, item.value ->> 'key' AS key, price.unit_price,
                    price.version,
                    count(*) OVER (PARTITION BY item.value ->> 'org_id', item.value ->> 'key') AS times,
                    coalesce(
                        (item.value ->> 'credits')::numeric, price.unit_price * (item.value ->> 'quantity')::numeric
                    ) AS needed
                FROM item
                INNER JOIN public.organization_credit_pools AS pool ON pool.org_id = (item.value ->> 'org_id')::uuid
                    AND NOT pool.is_suspended AND pool.spending_until > v_now
                LEFT JOIN LATERAL public.price_of_service(
                    item.value ->> 'service_name',
                    CASE WHEN pool.next_price_plan_at <= v_now THEN pool.next_price_plan ELSE pool.price_plan END,
                    v_now
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
        WHERE one.left_after >= 0
    ),
    spent AS (
        UPDATE public.user_credit_allocations AS a
        SET remaining_credits = a.remaining_credits - one.credits,
            used_credits = a.used_credits + one.credits,
            lifetime_used_credits = a.lifetime_used_credits + one.credits,
            updated_at = v_now
        FROM (
            SELECT passing.org_id, passing.allocation_id, sum(passing.needed)::bigint AS credits
            FROM passing
            GROUP BY passing.org_id, passing.allocation_id
        ) AS one
        WHERE a.org_id = one.org_id AND a.id = one.allocation_id
    ),
    written AS (
        INSERT INTO public.credit_usage_attribution (
            id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
            quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash,
            actor, created_at
        )
        SELECT passing.usage_id, passing.org_id, passing.user_id, passing.allocation_id, passing.needed, 0,
            passing.value ->> 'service_type', passing.value ->> 'service_name', passing.unit_price,
            (passing.value ->> 'quantity')::bigint, passing.price_version, passing.value ->> 'request_id',
            passing.value -> 'metadata', passing.left_after, 'deduct', passing.value ->> 'key',
            decode(passing.value ->> 'hash', 'hex'), passing.value ->> 'actor', passing.created_at
        FROM passing
        ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id
    )
    SELECT item.place, CASE WHEN passing.place IS NULL THEN 'needs_pool' ELSE 'charged' END, NULL::text,
        passing.usage_id, passing.allocation_id, passing.needed, 0::bigint, passing.unit_price, passing.price_version,
        item.value ->> 'request_id', passing.left_after, passing.created_at,
        (SELECT count(*) FROM passing) <> (SELECT count(*) FROM written)
    FROM item
    LEFT JOIN passing ON passing.place = item.place
    ORDER BY item.place
    LOOP
        IF v_claimed THEN
            RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('orgbilling.door', '', true);
END
$$;
