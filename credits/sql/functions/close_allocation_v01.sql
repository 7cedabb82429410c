-- Return what a departing member has not spent to the pool and deactivate the allocation. What is held stays held.
-- Returns the credits that came back; NULL when there is no active allocation.
-- Locks: pool, then allocation. Errors: OB001 argument missing, OB014 no pool.
CREATE OR REPLACE FUNCTION public.close_allocation(
    p_org_id uuid, p_user_id uuid, p_journal_id uuid, p_actor text, p_request_id text, p_notes text
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_available bigint;
    v_allocation public.user_credit_allocations;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, a user and a journal id are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT pool.available_credits INTO v_available FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id AND a.is_active FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    IF v_allocation.remaining_credits > 0 THEN
        INSERT INTO public.credit_journal (
            id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
            remaining_before, remaining_after, notes, actor, request_id, created_at
        ) VALUES (
            p_journal_id, p_org_id, v_allocation.id, 'reclaim', 'remaining', 'available',
            v_allocation.remaining_credits, v_available, v_available + v_allocation.remaining_credits,
            v_allocation.remaining_credits, 0, p_notes, p_actor, p_request_id, v_now
        );
        UPDATE public.organization_credit_pools AS pool
        SET allocated_credits = pool.allocated_credits - v_allocation.remaining_credits, updated_at = v_now
        WHERE pool.org_id = p_org_id;
    END IF;
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = 0, budget_credits = 0, is_active = false, updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN v_allocation.remaining_credits;
END
$$;
