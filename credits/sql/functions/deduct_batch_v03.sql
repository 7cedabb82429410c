-- Charge many items of one organization in one call: the ordinary path, when every one of them passes. It never locks or
-- writes the pool. p_items is an array of objects: usage_id, user_id, credits or quantity, service_name, service_type,
-- request_id, metadata, key, hash (hex).
-- Returns a row an item, by o_index from 0, each 'charged'; or one row 'needs_pool' (nothing was changed: some item meets
-- a limit, a reset, a key that was used; deduct_batch_with_pool decides item by item).
-- Locks: the allocations, by user. Errors: OB001 argument missing, OB009 a key was claimed by another transaction
-- meanwhile (nothing was changed: deduct_batch_with_pool knows the answers).
CREATE OR REPLACE FUNCTION public.deduct_batch(p_org_id uuid, p_items jsonb, p_actor text)
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
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_plan text;
    v_services text[];
    v_service_prices bigint[];
    v_service_versions integer[];
    v_count integer;
    v_places integer[];
    v_usages uuid[];
    v_users uuid[];
    v_allocations uuid[];
    v_needed bigint[];
    v_prices bigint[];
    v_versions integer[];
    v_left bigint[];
    v_moments timestamptz[];
BEGIN
    IF p_org_id IS NULL OR p_items IS NULL THEN
        RAISE EXCEPTION 'an organization and items are needed' USING ERRCODE = 'OB001';
    END IF;
    v_count := jsonb_array_length(p_items);
    -- Read without a lock, as deduct_credits does.
    SELECT CASE WHEN pool.next_price_plan_at <= v_now THEN pool.next_price_plan ELSE pool.price_plan END
    INTO v_plan
    FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND NOT pool.is_suspended AND pool.spending_until > v_now;
    IF NOT FOUND THEN
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;
    -- Each service once, and none where callers say credits: a cluster calls the function for every row of a join.
    SELECT array_agg(asked.service_name), array_agg(price.unit_price), array_agg(price.version)
    INTO v_services, v_service_prices, v_service_versions
    FROM (
        SELECT DISTINCT item.value ->> 'service_name' AS service_name
        FROM jsonb_array_elements(p_items) AS item
        WHERE item.value ->> 'quantity' IS NOT NULL
    ) AS asked
    CROSS JOIN LATERAL public.price_of_service(asked.service_name, v_plan, v_now) AS price;
    PERFORM 1 FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id
        AND a.user_id IN (SELECT (item.value ->> 'user_id')::uuid FROM jsonb_array_elements(p_items) AS item)
    ORDER BY a.user_id
    FOR NO KEY UPDATE;

    -- Every item priced and beside its allocation, with what the allocation has left once the item is paid. An item that
    -- can't be charged the ordinary way is missing here.
    SELECT array_agg(one.place ORDER BY one.place), array_agg(one.usage_id ORDER BY one.place),
        array_agg(one.user_id ORDER BY one.place), array_agg(one.allocation_id ORDER BY one.place),
        array_agg(one.needed ORDER BY one.place), array_agg(one.unit_price ORDER BY one.place),
        array_agg(one.price_version ORDER BY one.place), array_agg(one.left_after ORDER BY one.place),
        array_agg(one.created_at ORDER BY one.place)
    INTO v_places, v_usages, v_users, v_allocations, v_needed, v_prices, v_versions, v_left, v_moments
    FROM (
        SELECT asked.place, asked.usage_id, a.user_id, a.id AS allocation_id, asked.needed::bigint AS needed,
            asked.unit_price, asked.version AS price_version,
            (a.remaining_credits - sum(asked.needed) OVER (PARTITION BY a.id ORDER BY asked.place))::bigint
                AS left_after,
            greatest(v_now, a.last_reset_date) AS created_at
        FROM (
            SELECT (item.ordinality - 1)::integer AS place, (item.value ->> 'usage_id')::uuid AS usage_id,
                (item.value ->> 'user_id')::uuid AS user_id, item.value ->> 'key' AS key, price.unit_price,
                price.version,
                coalesce(
                    (item.value ->> 'credits')::numeric, price.unit_price * (item.value ->> 'quantity')::numeric
                ) AS needed
            FROM jsonb_array_elements(p_items) WITH ORDINALITY AS item
            LEFT JOIN unnest(v_services, v_service_prices, v_service_versions)
                AS price (service_name, unit_price, version)
                ON item.value ->> 'quantity' IS NOT NULL AND price.service_name = item.value ->> 'service_name'
            WHERE num_nonnulls(item.value ->> 'credits', item.value ->> 'quantity') = 1
                AND coalesce(item.value ->> 'credits', item.value ->> 'quantity')::numeric
                    BETWEEN 1 AND 1000000000000000
        ) AS asked
        INNER JOIN public.user_credit_allocations AS a ON a.org_id = p_org_id AND a.user_id = asked.user_id
        WHERE a.is_active
            AND (a.next_reset_date IS NULL OR a.next_reset_date > v_now)
            AND asked.needed <= 1000000000000000
            AND (
                asked.key IS NULL
                OR NOT EXISTS (
                    SELECT 1 FROM public.credit_usage_attribution AS u
                    WHERE u.org_id = p_org_id AND u.operation = 'deduct' AND u.idempotency_key = asked.key
                )
                AND NOT EXISTS (
                    SELECT 1 FROM public.idempotency_answers AS answer
                    WHERE answer.org_id = p_org_id AND answer.operation = 'deduct' AND answer.key = asked.key
                        AND (answer.expires_at IS NULL OR answer.expires_at > v_now)
                )
            )
    ) AS one
    WHERE one.left_after >= 0;
    IF coalesce(cardinality(v_places), 0) <> v_count OR (
        SELECT count(item.value ->> 'key') <> count(DISTINCT item.value ->> 'key')
        FROM jsonb_array_elements(p_items) AS item
    ) THEN
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;

    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits - spent.credits,
        used_credits = a.used_credits + spent.credits,
        lifetime_used_credits = a.lifetime_used_credits + spent.credits,
        updated_at = v_now
    FROM (
        SELECT one.allocation_id, sum(one.needed)::bigint AS credits
        FROM unnest(v_allocations, v_needed) AS one (allocation_id, needed)
        GROUP BY one.allocation_id
    ) AS spent
    WHERE a.org_id = p_org_id AND a.id = spent.allocation_id;
    -- A cluster plans this function's statements anew each time; the foreign keys' one, once a row, keeps its plan.
    PERFORM set_config('plan_cache_mode', 'auto', true);
    -- Not ON CONFLICT, which looks into the index of keys twice for each row and writes each twice to the log.
    BEGIN
        INSERT INTO public.credit_usage_attribution (
            id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
            quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash,
            actor, created_at
        )
        SELECT v_usages[item.ordinality], p_org_id, v_users[item.ordinality], v_allocations[item.ordinality],
            v_needed[item.ordinality], 0, item.value ->> 'service_type', item.value ->> 'service_name',
            v_prices[item.ordinality], (item.value ->> 'quantity')::bigint, v_versions[item.ordinality],
            item.value ->> 'request_id', item.value -> 'metadata', v_left[item.ordinality], 'deduct',
            item.value ->> 'key', decode(item.value ->> 'hash', 'hex'), p_actor, v_moments[item.ordinality]
        FROM jsonb_array_elements(p_items) WITH ORDINALITY AS item;
    EXCEPTION WHEN unique_violation OR internal_error THEN
        -- By the key itself: a cluster names its shards' constraints otherwise or not at all, and inside a transaction
        -- its coordinator calls the error of a node an internal one.
        IF EXISTS (
            SELECT 1 FROM public.credit_usage_attribution AS u
            WHERE u.org_id = p_org_id AND u.operation = 'deduct'
                AND u.idempotency_key IN (SELECT item.value ->> 'key' FROM jsonb_array_elements(p_items) AS item)
        ) THEN
            RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
        END IF;
        RAISE;
    END;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN QUERY
    SELECT one.place, 'charged', NULL::text, one.usage_id, one.allocation_id, one.needed, 0::bigint, one.unit_price,
        one.version, p_items -> one.place ->> 'request_id', one.left_after, one.moment
    FROM unnest(v_places, v_usages, v_allocations, v_needed, v_prices, v_versions, v_left, v_moments)
        AS one (place, usage_id, allocation_id, needed, unit_price, version, left_after, moment)
    ORDER BY one.place;
END
$$;
