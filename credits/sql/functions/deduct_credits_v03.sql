-- Charge one member's allocation, in one round trip: the ordinary path, which never locks or writes the pool.
-- Outcomes: 'charged'; 'replayed' (this key was charged before, with the same body: the first charge is returned);
-- 'key_reused' (with another body); 'needs_pool' (nothing was changed: a reset is due, the allocation can't pay, or
-- something forbids the charge; deduct_credits_with_pool decides).
-- Exactly one of p_credits (charged as sent) and p_quantity (priced by the catalogue).
-- Locks: the allocation. Errors: OB001 argument missing, OB002 amount out of range, OB009 the key was claimed by
-- another transaction meanwhile (nothing was changed: deduct_credits_with_pool knows the answer).
CREATE OR REPLACE FUNCTION public.deduct_credits(
    p_org_id uuid,
    p_user_id uuid,
    p_usage_id uuid,
    p_credits bigint,
    p_quantity bigint,
    p_service_name text,
    p_service_type text,
    p_request_id text,
    p_metadata jsonb,
    p_idempotency_key text,
    p_body_hash bytea,
    p_actor text
) RETURNS TABLE (
    o_outcome text,
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
    v_pool record;
    v_hash bytea;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_usage_id IS NULL OR p_service_name IS NULL THEN
        RAISE EXCEPTION 'an organization, a user, a usage id and a service are needed' USING ERRCODE = 'OB001';
    END IF;
    IF num_nonnulls(p_credits, p_quantity) <> 1
        OR coalesce(p_credits, p_quantity) NOT BETWEEN 1 AND 1000000000000000
    THEN
        RAISE EXCEPTION 'exactly one of credits and quantity, from 1 to 10^15' USING ERRCODE = 'OB002';
    END IF;

    IF p_idempotency_key IS NOT NULL THEN
        SELECT u.id, u.allocation_id, u.credits_used, u.overage_credits, u.unit_price, u.price_version, u.request_id,
            u.remaining_credits, u.created_at, u.body_hash
        INTO o_usage_id, o_allocation_id, o_credits_used, o_overage_credits, o_unit_price, o_price_version,
            o_request_id, o_remaining_credits, o_created_at, v_hash
        FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.operation = 'deduct' AND u.idempotency_key = p_idempotency_key;
        IF FOUND THEN
            o_outcome := CASE WHEN v_hash = p_body_hash THEN 'replayed' ELSE 'key_reused' END;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    -- Read without a lock: whoever cancels commits before the charge's statement begins, or the charge may pass.
    SELECT pool.spending_until, pool.is_suspended,
        CASE WHEN pool.next_price_plan_at <= v_now THEN pool.next_price_plan ELSE pool.price_plan END AS plan
    INTO v_pool
    FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id;
    IF NOT FOUND OR v_pool.is_suspended OR v_pool.spending_until IS NULL OR v_pool.spending_until <= v_now THEN
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;

    o_credits_used := p_credits;
    IF p_quantity IS NOT NULL THEN
        SELECT price.unit_price, price.version INTO o_unit_price, o_price_version
        FROM public.price_of_service(p_service_name, v_pool.plan, v_now) AS price;
        IF NOT FOUND OR o_unit_price::numeric * p_quantity > 1000000000000000 THEN
            o_outcome := 'needs_pool';
            RETURN NEXT;
            RETURN;
        END IF;
        o_credits_used := o_unit_price * p_quantity;
    END IF;

    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits - o_credits_used,
        used_credits = a.used_credits + o_credits_used,
        lifetime_used_credits = a.lifetime_used_credits + o_credits_used,
        updated_at = v_now
    WHERE a.org_id = p_org_id
        AND a.user_id = p_user_id
        AND a.is_active
        AND a.remaining_credits >= o_credits_used
        AND (a.next_reset_date IS NULL OR a.next_reset_date > v_now)
    -- Who began before a reset and waited past it is counted in the new period: the row says so too.
    RETURNING a.id, a.remaining_credits, greatest(v_now, a.last_reset_date)
    INTO o_allocation_id, o_remaining_credits, o_created_at;
    IF NOT FOUND THEN
        PERFORM set_config('orgbilling.door', '', true);
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;

    -- After the lock, and not inside the insert: a cluster plans an INSERT ... VALUES as one statement for one shard.
    IF p_idempotency_key IS NOT NULL THEN
        -- A refusal stored for this key is final, even when the allocation could pay by now.
        PERFORM 1 FROM public.idempotency_answers AS answer
        WHERE answer.org_id = p_org_id AND answer.operation = 'deduct' AND answer.key = p_idempotency_key
            AND (answer.expires_at IS NULL OR answer.expires_at > v_now);
        IF FOUND THEN
            RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
        END IF;
    END IF;

    INSERT INTO public.credit_usage_attribution (
        id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
        quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash, actor,
        created_at
    )
    VALUES (
        p_usage_id, p_org_id, p_user_id, o_allocation_id, o_credits_used, 0, p_service_type, p_service_name,
        o_unit_price, p_quantity, o_price_version, p_request_id, p_metadata, o_remaining_credits, 'deduct',
        p_idempotency_key, p_body_hash, p_actor, o_created_at
    )
    ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    o_outcome := 'charged';
    o_usage_id := p_usage_id;
    o_overage_credits := 0;
    o_request_id := p_request_id;
    RETURN NEXT;
END
$$;
