-- Whether a charge of p_credits would pass now, a reset that is due included; writes nothing.
-- Locks: none. Errors: OB001 argument missing, OB002 amount out of range.
CREATE OR REPLACE FUNCTION public.has_sufficient_credits(p_org_id uuid, p_user_id uuid, p_credits bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_pool record;
    v_remaining bigint;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL THEN
        RAISE EXCEPTION 'an organization and a user are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits IS NULL OR p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
    END IF;
    SELECT pool.available_credits, pool.spending_until, pool.is_suspended INTO v_pool
    FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id;
    IF NOT FOUND OR v_pool.is_suspended OR v_pool.spending_until IS NULL OR v_pool.spending_until <= v_now THEN
        RETURN false;
    END IF;
    SELECT CASE
        WHEN a.next_reset_date <= v_now THEN a.remaining_credits + least(
            greatest(0, a.budget_credits - a.remaining_credits - a.held_credits), v_pool.available_credits
        )
        ELSE a.remaining_credits
    END INTO v_remaining
    FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id AND a.is_active;
    RETURN coalesce(v_remaining >= p_credits, false);
END
$$;
