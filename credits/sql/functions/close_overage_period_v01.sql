-- Close an organization's overage period that has ended: keep what it drew, with its price, for billing, and start the
-- counter again. The end of the next one is not known here; billing sets it when it renews the subscription.
-- The caller holds the pool's lock. Returns the credits of the closed period; NULL when none has ended.
-- Locks: none of its own. Errors: OB001 argument missing; 23505 when the period was closed already.
CREATE OR REPLACE FUNCTION public.close_overage_period(p_org_id uuid, p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_pool public.organization_credit_pools;
BEGIN
    IF p_org_id IS NULL OR p_now IS NULL THEN
        RAISE EXCEPTION 'an organization and a moment are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT pool.* INTO v_pool FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND pool.overage_period_end <= p_now;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.overage_periods (id, org_id, period_start, period_end, credits, rate, created_at)
    SELECT public.time_ordered_id(), p_org_id, v_pool.overage_period_start, v_pool.overage_period_end,
        v_pool.overage_used_period, v_pool.overage_rate, p_now
    WHERE v_pool.overage_used_period > 0;
    UPDATE public.organization_credit_pools AS pool
    SET overage_used_period = 0,
        overage_period_start = v_pool.overage_period_end,
        overage_period_end = NULL,
        updated_at = p_now
    WHERE pool.org_id = p_org_id AND pool.id = v_pool.id;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN v_pool.overage_used_period;
END
$$;
