-- Return what a departing member has not spent to the pool and deactivate the allocation. What is held stays held, unless
-- it has expired; what an open hold releases later goes to the pool.
-- Returns the credits that came back; NULL when there is no active allocation.
-- Locks: pool, then allocation, then expired holds. Errors: OB001 argument missing, OB014 no pool.
CREATE OR REPLACE FUNCTION public.close_allocation(
    p_org_id uuid, p_user_id uuid, p_journal_id uuid, p_actor text, p_request_id text, p_notes text
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_allocation public.user_credit_allocations;
    v_period_end timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, a user and a journal id are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id AND a.is_active FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- What a hold drew over the pool and gave back in time is not billed.
    SELECT pool.overage_period_end INTO v_period_end FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND pool.overage_period_end <= v_now;
    IF FOUND THEN
        PERFORM public.expire_holds(p_org_id, v_allocation.id, v_period_end, p_request_id);
        PERFORM public.close_overage_period(p_org_id, v_now);
    END IF;
    PERFORM public.expire_holds(p_org_id, v_allocation.id, v_now, p_request_id);
    SELECT a.* INTO STRICT v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
    IF v_allocation.remaining_credits > 0 THEN
        PERFORM public.move_remaining_to_pool(
            p_org_id, v_allocation.id, p_journal_id, v_allocation.remaining_credits, p_notes, v_now, p_actor,
            p_request_id, NULL, NULL
        );
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET budget_credits = 0, is_active = false, updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN v_allocation.remaining_credits;
END
$$;
