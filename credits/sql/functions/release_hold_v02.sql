-- Give back what a hold still reserves, and settle it. Parts that were captured stay captured.
-- Outcomes: 'released'; 'replayed' (it was released before, by a request with the same hash); 'needs_pool' (nothing was
-- changed, and p_with_pool is false: overage or a former member's rest is concerned). With p_with_pool the pool is locked
-- first and this never comes.
-- Locks: the pool when p_with_pool, then allocation, then hold. Errors: OB001 argument missing, OB014 no pool, OB016 no
-- such hold, OB017 hold not pending (status).
CREATE OR REPLACE FUNCTION public.release_hold(
    p_org_id uuid, p_hold_id uuid, p_settle_hash bytea, p_request_id text, p_actor text, p_with_pool boolean
) RETURNS TABLE (
    o_outcome text,
    o_user_id uuid,
    o_allocation_id uuid,
    o_hold_credits bigint,
    o_captured_credits bigint,
    o_status text,
    o_service_name text,
    o_expires_at timestamptz,
    o_hold_created_at timestamptz
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_clock timestamptz;
    v_hold public.credit_holds;
    v_active boolean;
BEGIN
    IF p_org_id IS NULL OR p_hold_id IS NULL OR p_settle_hash IS NULL OR p_with_pool IS NULL THEN
        RAISE EXCEPTION 'an organization, a hold and a hash are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT h.* INTO v_hold FROM public.credit_holds AS h WHERE h.org_id = p_org_id AND h.id = p_hold_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no hold %', p_hold_id USING ERRCODE = 'OB016';
    END IF;
    IF p_with_pool THEN
        PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
        END IF;
    END IF;
    SELECT a.is_active INTO STRICT v_active FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = v_hold.allocation_id FOR NO KEY UPDATE;
    SELECT h.* INTO STRICT v_hold FROM public.credit_holds AS h
    WHERE h.org_id = p_org_id AND h.id = p_hold_id FOR NO KEY UPDATE;
    o_user_id := v_hold.user_id;
    o_allocation_id := v_hold.allocation_id;
    o_hold_credits := v_hold.credits;
    o_captured_credits := v_hold.captured_credits;
    o_status := v_hold.status;
    o_service_name := v_hold.service_name;
    o_expires_at := v_hold.expires_at;
    o_hold_created_at := v_hold.created_at;

    IF v_hold.status = 'released' AND v_hold.settle_hash = p_settle_hash THEN
        o_outcome := 'replayed';
        RETURN NEXT;
        RETURN;
    END IF;
    -- By the clock after the locks and not by the statement's beginning: a request that is repeated may overtake its first,
    -- and what refused the one may not let the other pass.
    v_clock := CASE WHEN v_now = now() THEN clock_timestamp() ELSE v_now END;
    IF v_hold.status <> 'pending' OR v_hold.expires_at <= v_clock THEN
        RAISE EXCEPTION 'hold % is not pending', p_hold_id USING ERRCODE = 'OB017',
            DETAIL = json_build_object(
                'hold_status', CASE WHEN v_hold.status = 'pending' THEN 'expired' ELSE v_hold.status END
            )::text;
    END IF;
    IF NOT p_with_pool AND (v_hold.overage_credits > 0 OR NOT v_active) THEN
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_with_pool THEN
        PERFORM public.bring_up_to_date(
            p_org_id, v_hold.user_id, v_hold.allocation_id, public.time_ordered_id(), v_now, p_request_id
        );
    END IF;
    PERFORM public.settle_hold(p_org_id, p_hold_id, 'released', NULL, p_settle_hash, v_now, p_actor, p_request_id);
    o_outcome := 'released';
    o_status := 'released';
    RETURN NEXT;
END
$$;
