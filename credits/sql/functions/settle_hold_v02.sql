-- Settle a pending hold: what it reserves beyond what was captured goes back. Its own credits were captured first, so
-- that overage goes back first: to the counters when it was drawn in the period that still runs, else (it was billed) to
-- the allocation like the rest. A former member's rest goes on to the pool.
-- The caller holds the locks of the allocation and the hold, and the pool's when overage or a former member is concerned.
-- Told as hold.released or hold.expired; of a final capture its caller tells.
-- Returns the credits that went back.
-- Locks: none of its own. Errors: OB001 argument missing.
CREATE OR REPLACE FUNCTION public.settle_hold(
    p_org_id uuid,
    p_hold_id uuid,
    p_status text,
    p_final_usage_id uuid,
    p_settle_hash bytea,
    p_now timestamptz,
    p_actor text,
    p_request_id text
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_hold public.credit_holds;
    v_rest bigint;
    v_overage bigint;
    v_active boolean;
BEGIN
    IF p_org_id IS NULL OR p_hold_id IS NULL OR p_status IS NULL THEN
        RAISE EXCEPTION 'an organization, a hold and a status are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT h.* INTO STRICT v_hold FROM public.credit_holds AS h WHERE h.org_id = p_org_id AND h.id = p_hold_id;
    v_rest := v_hold.credits - v_hold.captured_credits;
    v_overage := least(v_rest, v_hold.overage_credits);
    IF v_overage > 0 THEN
        SELECT CASE
            WHEN pool.overage_period_start IS NULL OR v_hold.created_at >= pool.overage_period_start
                THEN least(v_overage, pool.overage_used_period)
            ELSE 0
        END INTO STRICT v_overage
        FROM public.organization_credit_pools AS pool
        WHERE pool.org_id = p_org_id;
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.credit_holds AS h
    SET status = p_status,
        released_credits = CASE WHEN p_status = 'expired' THEN 0 ELSE v_rest END,
        expired_credits = CASE WHEN p_status = 'expired' THEN v_rest ELSE 0 END,
        overage_returned = v_overage,
        final_usage_id = p_final_usage_id,
        settle_hash = p_settle_hash,
        settled_at = p_now,
        updated_at = p_now
    WHERE h.org_id = p_org_id AND h.id = p_hold_id;
    IF v_rest > 0 THEN
        UPDATE public.user_credit_allocations AS a
        SET held_credits = a.held_credits - v_rest,
            remaining_credits = a.remaining_credits + v_rest - v_overage,
            updated_at = p_now
        WHERE a.org_id = p_org_id AND a.id = v_hold.allocation_id
        RETURNING a.is_active INTO STRICT v_active;
        UPDATE public.organization_credit_pools AS pool
        SET overage_used = pool.overage_used - v_overage,
            overage_used_period = pool.overage_used_period - v_overage,
            updated_at = p_now
        WHERE pool.org_id = p_org_id AND v_overage > 0;
        IF NOT v_active AND v_rest > v_overage THEN
            PERFORM public.move_remaining_to_pool(
                p_org_id, v_hold.allocation_id, public.time_ordered_id(), v_rest - v_overage,
                'Released after the member left', p_now, p_actor, p_request_id, NULL, NULL
            );
        END IF;
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    IF p_status IN ('released', 'expired') THEN
        PERFORM public.record_event(
            p_org_id, 'hold.' || p_status,
            jsonb_build_object(
                'org_id', p_org_id, 'hold_id', p_hold_id, 'user_id', v_hold.user_id,
                'allocation_id', v_hold.allocation_id, 'service_name', v_hold.service_name,
                'hold_credits', v_hold.credits, 'captured_credits', v_hold.captured_credits,
                p_status || '_credits', v_rest, 'actor', p_actor, 'request_id', p_request_id
            ),
            p_now
        );
    END IF;
    RETURN v_rest;
END
$$;
