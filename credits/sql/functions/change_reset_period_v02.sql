-- Change how often an allocation is filled up to its budget. No credits move but what was due before the change. The
-- next boundary follows from the anchor, as when credits are allocated with another period: the day of the week or month
-- on which the allocation began stays. It is after every charge, also after one of a clock that has been set back since.
-- Returns the allocation and the period that it had.
-- Locks: pool, then allocation, then expired holds. Errors: OB001 argument missing, OB006 no allocation, OB007 allocation
-- inactive, OB010 period unknown, OB014 no pool.
CREATE OR REPLACE FUNCTION public.change_reset_period(
    p_org_id uuid,
    p_user_id uuid,
    p_reset_journal_id uuid,
    p_reset_period text,
    p_request_id text
) RETURNS TABLE (o_allocation_id uuid, o_before text)
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_allocation public.user_credit_allocations;
    v_zone text;
    v_after timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_reset_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, a user and an id are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_reset_period IS NULL OR p_reset_period NOT IN ('daily', 'weekly', 'monthly', 'never') THEN
        RAISE EXCEPTION 'reset period % unknown', p_reset_period USING ERRCODE = 'OB010';
    END IF;
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % has no allocation in %', p_user_id, p_org_id USING ERRCODE = 'OB006';
    END IF;
    IF NOT v_allocation.is_active THEN
        RAISE EXCEPTION 'allocation % is inactive', v_allocation.id USING ERRCODE = 'OB007';
    END IF;
    PERFORM public.bring_up_to_date(p_org_id, p_user_id, v_allocation.id, p_reset_journal_id, v_now, p_request_id);
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;
    o_allocation_id := v_allocation.id;
    o_before := v_allocation.reset_period;
    SELECT greatest(v_now, max(u.created_at)) INTO v_after FROM public.credit_usage_attribution AS u
    WHERE u.org_id = p_org_id AND u.user_id = p_user_id;
    -- Who began before a boundary and waited for the locks past it must not open that period again.
    UPDATE public.user_credit_allocations AS a
    SET reset_period = p_reset_period,
        next_reset_date = public.period_boundary(
            a.reset_anchor, p_reset_period, v_zone, greatest(v_after, a.last_reset_date)
        ),
        updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id AND a.reset_period <> p_reset_period;
    RETURN NEXT;
END
$$;
