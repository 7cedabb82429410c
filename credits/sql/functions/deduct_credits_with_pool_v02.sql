-- Charge one member's allocation when deduct_credits couldn't: with the pool and the allocation locked, apply what time
-- has brought, then charge, out of overage if need be, or say why not. Same arguments, and a journal id for a reset.
-- Outcomes: 'charged', 'replayed', 'key_reused' as deduct_credits; 'refused_before' (this key's refusal is stored in
-- idempotency_answers); 'insufficient_credits' (returned, not raised, so that the reset commits with the caller's
-- stored answer; o_remaining_credits is what there is, o_credits_used what is needed).
-- Locks: pool, then allocation. Errors: OB001 argument missing, OB002 amount out of range, OB004 no organization,
-- OB005 not a member, OB006 no allocation, OB007 allocation inactive, OB008 subscription inactive, OB009 the key was
-- claimed by a charge of another member meanwhile, OB012 organization suspended, OB013 service unknown, OB014 no pool.
CREATE OR REPLACE FUNCTION public.deduct_credits_with_pool(
    p_org_id uuid,
    p_user_id uuid,
    p_usage_id uuid,
    p_reset_journal_id uuid,
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
    v_decision record;
    v_hash bytea;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_usage_id IS NULL OR p_reset_journal_id IS NULL
        OR p_service_name IS NULL
    THEN
        RAISE EXCEPTION 'an organization, a user, ids and a service are needed' USING ERRCODE = 'OB001';
    END IF;
    IF num_nonnulls(p_credits, p_quantity) <> 1
        OR coalesce(p_credits, p_quantity) NOT BETWEEN 1 AND 1000000000000000
    THEN
        RAISE EXCEPTION 'exactly one of credits and quantity, from 1 to 10^15' USING ERRCODE = 'OB002';
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

    -- The key is looked up under the locks and before anything that may refuse: a replay doesn't depend on today's state.
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
        DELETE FROM public.idempotency_answers AS answer
        WHERE answer.org_id = p_org_id AND answer.operation = 'deduct' AND answer.key = p_idempotency_key
            AND answer.expires_at <= v_now;
        SELECT answer.body_hash INTO v_hash FROM public.idempotency_answers AS answer
        WHERE answer.org_id = p_org_id AND answer.operation = 'deduct' AND answer.key = p_idempotency_key;
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
    o_credits_used := v_decision.o_needed;
    o_unit_price := v_decision.o_unit_price;
    o_price_version := v_decision.o_price_version;
    o_overage_credits := v_decision.o_overage;
    o_remaining_credits := v_decision.o_remaining;
    o_created_at := v_decision.o_at;
    IF NOT v_decision.o_enough THEN
        o_outcome := 'insufficient_credits';
        RETURN NEXT;
        RETURN;
    END IF;

    o_remaining_credits := o_remaining_credits - (o_credits_used - o_overage_credits);
    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = o_remaining_credits,
        used_credits = a.used_credits + o_credits_used,
        lifetime_used_credits = a.lifetime_used_credits + o_credits_used,
        updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = o_allocation_id;
    INSERT INTO public.credit_usage_attribution (
        id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
        quantity, price_version, request_id, metadata, remaining_credits, operation, idempotency_key, body_hash, actor,
        created_at
    ) VALUES (
        p_usage_id, p_org_id, p_user_id, o_allocation_id, o_credits_used, o_overage_credits, p_service_type,
        p_service_name, o_unit_price, p_quantity, o_price_version, p_request_id, p_metadata, o_remaining_credits,
        'deduct', p_idempotency_key, p_body_hash, p_actor, o_created_at
    ) ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    o_outcome := 'charged';
    o_usage_id := p_usage_id;
    o_request_id := p_request_id;
    RETURN NEXT;
END
$$;
