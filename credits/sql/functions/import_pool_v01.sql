-- Give an organization that comes from another system the credits that it has there: a grant of what that system counted,
-- and a second one of what mending that system's faults made good. Both carry the moment from which the imported history
-- begins, so that no past balance is below zero. Makes the pool when there is none; one that ever had a credit is refused.
-- Only `manage.py import_opscenter` calls this, as the tables' owner: the application's role may not insert what it inserts.
-- Returns what is available afterwards.
-- Locks: the pool. Errors: OB001 argument missing, OB002 amount out of range, OB020 the pool has a history.
CREATE OR REPLACE FUNCTION public.import_pool(
    p_org_id uuid,
    p_new_pool_id uuid,
    p_opening_id uuid,
    p_mended_id uuid,
    p_opening bigint,
    p_mended bigint,
    p_purchased bigint,
    p_spent numeric,
    p_moment timestamptz,
    p_actor text,
    p_request_id text,
    p_opening_notes text,
    p_mended_notes text
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_pool public.organization_credit_pools;
BEGIN
    IF p_org_id IS NULL OR p_new_pool_id IS NULL OR p_opening_id IS NULL OR p_mended_id IS NULL OR p_moment IS NULL THEN
        RAISE EXCEPTION 'an organization, ids and a moment are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_opening IS NULL OR p_opening < 0 OR p_mended IS NULL OR p_mended < 0
        OR p_opening > 9000000000000000000 - p_mended
    THEN
        RAISE EXCEPTION 'credits % and % out of range', p_opening, p_mended USING ERRCODE = 'OB002';
    END IF;
    INSERT INTO public.organization_credit_pools AS pool (
        id, org_id, total_credits, allocated_credits, monthly_refresh_amount, allow_overage, overage_limit,
        overage_rate, overage_used, overage_used_period, lifetime_purchased_credits, lifetime_spent_amount,
        account_limit, is_suspended, created_at, updated_at
    ) VALUES (p_new_pool_id, p_org_id, 0, 0, 0, false, 0, 0.01, 0, 0, 0, 0, 1000, false, p_moment, v_now)
    ON CONFLICT (org_id) DO NOTHING;
    SELECT pool.* INTO v_pool FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    PERFORM 1 FROM public.credit_journal AS j WHERE j.org_id = p_org_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the pool of % has a history', p_org_id USING ERRCODE = 'OB020';
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.credit_journal (
        id, org_id, kind, from_bucket, to_bucket, credits, available_before, available_after, notes, actor, request_id,
        created_at
    )
    SELECT g.id, p_org_id, 'grant', 'outside', 'available', g.credits, g.available - g.credits, g.available, g.notes,
        p_actor, p_request_id, p_moment
    FROM (VALUES
        (p_opening_id, p_opening, p_opening, p_opening_notes),
        (p_mended_id, p_mended, p_opening + p_mended, p_mended_notes)
    ) AS g (id, credits, available, notes)
    WHERE g.credits > 0;
    UPDATE public.organization_credit_pools AS pool
    SET total_credits = p_opening + p_mended,
        lifetime_purchased_credits = coalesce(p_purchased, 0),
        lifetime_spent_amount = coalesce(p_spent, 0),
        updated_at = v_now
    WHERE pool.org_id = p_org_id AND pool.id = v_pool.id;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN p_opening + p_mended;
END
$$;
