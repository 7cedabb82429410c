-- Reserve credits of one member's allocation, in one round trip: the ordinary path, which never locks or writes the pool. Told as hold.placed.
-- Outcomes: 'held'; 'replayed' (this key made a hold before, with the same body: what it was then is returned);
-- 'key_reused' (with another body); 'needs_pool' (nothing was changed: place_hold_with_pool decides).
-- Exactly one of p_credits (as sent) and p_quantity (priced by the catalogue). The hold expires p_ttl_seconds from now.
-- Locks: the allocation. Errors: OB001 argument missing, OB002 amount or time out of range, OB009 the key was claimed by
-- another transaction meanwhile (nothing was changed: place_hold_with_pool knows the answer).
CREATE OR REPLACE FUNCTION public.place_hold(
    p_org_id uuid,
    p_user_id uuid,
    p_hold_id uuid,
    p_credits bigint,
    p_quantity bigint,
    p_service_name text,
    p_service_type text,
    p_ttl_seconds integer,
    p_request_id text,
    p_metadata jsonb,
    p_idempotency_key text,
    p_body_hash bytea,
    p_actor text
) RETURNS TABLE (
    o_outcome text,
    o_hold_id uuid,
    o_allocation_id uuid,
    o_credits bigint,
    o_remaining_credits bigint,
    o_expires_at timestamptz,
    o_created_at timestamptz
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_cost record;
    v_hash bytea;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_hold_id IS NULL OR p_service_name IS NULL THEN
        RAISE EXCEPTION 'an organization, a user, a hold id and a service are needed' USING ERRCODE = 'OB001';
    END IF;
    IF num_nonnulls(p_credits, p_quantity) <> 1
        OR coalesce(p_credits, p_quantity) NOT BETWEEN 1 AND 1000000000000000
        OR p_ttl_seconds IS NULL OR p_ttl_seconds NOT BETWEEN 1 AND 86400
    THEN
        RAISE EXCEPTION 'exactly one of credits and quantity, from 1 to 10^15, for 1 to 86400 seconds'
            USING ERRCODE = 'OB002';
    END IF;
    IF p_idempotency_key IS NOT NULL THEN
        SELECT h.id, h.allocation_id, h.credits, h.remaining_credits, h.expires_at, h.created_at, h.body_hash
        INTO o_hold_id, o_allocation_id, o_credits, o_remaining_credits, o_expires_at, o_created_at, v_hash
        FROM public.credit_holds AS h
        WHERE h.org_id = p_org_id AND h.idempotency_key = p_idempotency_key;
        IF FOUND THEN
            o_outcome := CASE WHEN v_hash = p_body_hash THEN 'replayed' ELSE 'key_reused' END;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT cost.* INTO v_cost
    FROM public.entitled_cost(p_org_id, p_credits, p_quantity, p_service_name, v_now) AS cost;
    IF NOT FOUND THEN
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;

    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits - v_cost.needed,
        held_credits = a.held_credits + v_cost.needed,
        updated_at = v_now
    WHERE a.org_id = p_org_id
        AND a.user_id = p_user_id
        AND a.is_active
        AND a.remaining_credits >= v_cost.needed
        AND (a.next_reset_date IS NULL OR a.next_reset_date > v_now)
    RETURNING a.id, a.remaining_credits INTO o_allocation_id, o_remaining_credits;
    IF NOT FOUND THEN
        PERFORM set_config('orgbilling.door', '', true);
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;

    o_expires_at := v_now + make_interval(secs => p_ttl_seconds);
    INSERT INTO public.credit_holds (
        id, org_id, user_id, allocation_id, credits, overage_credits, captured_credits, released_credits,
        expired_credits, overage_returned, status, service_type, service_name, unit_price, quantity, price_version,
        request_id, metadata, remaining_credits, idempotency_key, body_hash, actor, expires_at, created_at, updated_at
    )
    SELECT p_hold_id, p_org_id, p_user_id, o_allocation_id, v_cost.needed, 0, 0, 0, 0, 0, 'pending', p_service_type,
        p_service_name, v_cost.unit_price, p_quantity, v_cost.price_version, p_request_id, p_metadata,
        o_remaining_credits, p_idempotency_key, p_body_hash, p_actor, o_expires_at, v_now, v_now
    WHERE p_idempotency_key IS NULL OR NOT EXISTS (
        -- A refusal stored for this key is final, even when the allocation could pay by now.
        SELECT 1 FROM public.idempotency_answers AS answer
        WHERE answer.org_id = p_org_id AND answer.operation = 'holds' AND answer.key = p_idempotency_key
            AND (answer.expires_at IS NULL OR answer.expires_at > v_now)
    )
    ON CONFLICT (org_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'hold.placed',
        jsonb_build_object(
            'org_id', p_org_id, 'hold_id', p_hold_id, 'user_id', p_user_id, 'allocation_id', o_allocation_id,
            'service_name', p_service_name, 'hold_credits', v_cost.needed, 'captured_credits', 0,
            'overage_credits', 0, 'remaining_credits', o_remaining_credits,
            'expires_at', public.rfc3339(o_expires_at), 'actor', p_actor, 'request_id', p_request_id
        ),
        v_now
    );
    o_outcome := 'held';
    o_hold_id := p_hold_id;
    o_credits := v_cost.needed;
    o_created_at := v_now;
    RETURN NEXT;
END
$$;
