-- Reserve credits when place_hold couldn't: with the pool and the allocation locked, apply what time has brought, then
-- reserve, out of overage if need be, or say why not. Same arguments, and a journal id for a reset.
-- Told as hold.placed. Outcomes: 'held', 'replayed', 'key_reused' as place_hold; 'refused_before' (this key's refusal is stored in
-- idempotency_answers); 'insufficient_credits' (returned, not raised, so that what was applied commits with the caller's
-- stored answer; o_remaining_credits is what there is, o_credits what is needed).
-- Locks: pool, then allocation, then expired holds. Errors: OB001 argument missing, OB002 amount or time out of range,
-- OB004 no organization, OB005 not a member, OB006 no allocation, OB007 allocation inactive, OB008 subscription inactive,
-- OB009 the key was claimed meanwhile, OB012 organization suspended, OB013 service unknown, OB014 no pool.
CREATE OR REPLACE FUNCTION public.place_hold_with_pool(
    p_org_id uuid,
    p_user_id uuid,
    p_hold_id uuid,
    p_reset_journal_id uuid,
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
    v_decision record;
    v_hash bytea;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_hold_id IS NULL OR p_reset_journal_id IS NULL
        OR p_service_name IS NULL
    THEN
        RAISE EXCEPTION 'an organization, a user, ids and a service are needed' USING ERRCODE = 'OB001';
    END IF;
    IF num_nonnulls(p_credits, p_quantity) <> 1
        OR coalesce(p_credits, p_quantity) NOT BETWEEN 1 AND 1000000000000000
        OR p_ttl_seconds IS NULL OR p_ttl_seconds NOT BETWEEN 1 AND 86400
    THEN
        RAISE EXCEPTION 'exactly one of credits and quantity, from 1 to 10^15, for 1 to 86400 seconds'
            USING ERRCODE = 'OB002';
    END IF;
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM 1 FROM public.organizations AS o WHERE o.id = p_org_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no organization %', p_org_id USING ERRCODE = 'OB004';
        END IF;
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    PERFORM 1 FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id FOR NO KEY UPDATE;

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
        DELETE FROM public.idempotency_answers AS answer
        WHERE answer.org_id = p_org_id AND answer.operation = 'holds' AND answer.key = p_idempotency_key
            AND answer.expires_at <= v_now;
        SELECT answer.body_hash INTO v_hash FROM public.idempotency_answers AS answer
        WHERE answer.org_id = p_org_id AND answer.operation = 'holds' AND answer.key = p_idempotency_key;
        IF FOUND THEN
            o_outcome := CASE WHEN v_hash = p_body_hash THEN 'refused_before' ELSE 'key_reused' END;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT decision.* INTO STRICT v_decision
    FROM public.decide_charge(
        p_org_id, p_user_id, p_reset_journal_id, p_credits, p_quantity, p_service_name, v_now, p_request_id
    ) AS decision;
    o_allocation_id := v_decision.o_allocation_id;
    o_credits := v_decision.o_needed;
    o_remaining_credits := v_decision.o_remaining;
    o_created_at := v_decision.o_at;
    IF NOT v_decision.o_enough THEN
        o_outcome := 'insufficient_credits';
        RETURN NEXT;
        RETURN;
    END IF;

    o_remaining_credits := o_remaining_credits - (o_credits - v_decision.o_overage);
    o_expires_at := o_created_at + make_interval(secs => p_ttl_seconds);
    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = o_remaining_credits, held_credits = a.held_credits + o_credits, updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = o_allocation_id;
    INSERT INTO public.credit_holds (
        id, org_id, user_id, allocation_id, credits, overage_credits, captured_credits, released_credits,
        expired_credits, overage_returned, status, service_type, service_name, unit_price, quantity, price_version,
        request_id, metadata, remaining_credits, idempotency_key, body_hash, actor, expires_at, created_at, updated_at
    ) VALUES (
        p_hold_id, p_org_id, p_user_id, o_allocation_id, o_credits, v_decision.o_overage, 0, 0, 0, 0, 'pending',
        p_service_type, p_service_name, v_decision.o_unit_price, p_quantity, v_decision.o_price_version, p_request_id,
        p_metadata, o_remaining_credits, p_idempotency_key, p_body_hash, p_actor, o_expires_at, o_created_at, v_now
    ) ON CONFLICT (org_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'hold.placed',
        jsonb_build_object(
            'org_id', p_org_id, 'hold_id', p_hold_id, 'user_id', p_user_id, 'allocation_id', o_allocation_id,
            'service_name', p_service_name, 'hold_credits', o_credits, 'captured_credits', 0,
            'overage_credits', v_decision.o_overage, 'remaining_credits', o_remaining_credits,
            'expires_at', public.rfc3339(o_expires_at), 'actor', p_actor, 'request_id', p_request_id
        ),
        v_now
    );
    o_outcome := 'held';
    o_hold_id := p_hold_id;
    RETURN NEXT;
END
$$;
