-- Apply what time has brought to one organization and one allocation, in this order: the pool's refresh, holds that expired before
-- the overage period's end, that end, the other expired holds, the allocation's reset. Whoever decides about credits under the locks begins with it,
-- so that no job is needed for a decision to be right. The caller holds the locks of the pool and the allocation: all locks
-- of the ledger are FOR NO KEY UPDATE, because the check of a foreign key (FOR KEY SHARE) would wait for a stronger one,
-- against the order of locks.
-- Locks: expired holds. Errors: OB001 argument missing.
CREATE OR REPLACE FUNCTION public.bring_up_to_date(
    p_org_id uuid,
    p_user_id uuid,
    p_allocation_id uuid,
    p_journal_id uuid,
    p_now timestamptz,
    p_request_id text
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_period_end timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_allocation_id IS NULL OR p_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, a user and ids are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM public.refresh_pool_if_due(p_org_id, p_now, 'system', p_request_id);
    -- What a hold drew over the pool and gave back in time is not billed.
    SELECT pool.overage_period_end INTO v_period_end FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND pool.overage_period_end <= p_now;
    IF FOUND THEN
        PERFORM public.expire_holds(p_org_id, p_allocation_id, v_period_end, p_request_id);
        PERFORM public.close_overage_period(p_org_id, p_now);
    END IF;
    PERFORM public.expire_holds(p_org_id, p_allocation_id, p_now, p_request_id);
    PERFORM public.reset_allocation_if_due(p_org_id, p_user_id, p_journal_id, p_now, 'system', p_request_id);
END
$$;
