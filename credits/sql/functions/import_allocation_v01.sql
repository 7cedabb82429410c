-- Move credits from the pool of an organization that comes from another system to one of its people: what they spent there
-- and what they have left. The usage that is imported afterwards takes the first part; the next reset is the first boundary from
-- now on, because no reset of the past is made up for. Who is no member can't have an active allocation.
-- Only `manage.py import_opscenter` calls this, as the tables' owner.
-- Locks: the pool, then the new allocation. Errors: OB001 argument missing, OB002 amount out of range, OB014 no pool.
CREATE OR REPLACE FUNCTION public.import_allocation(
    p_org_id uuid,
    p_user_id uuid,
    p_allocation_id uuid,
    p_journal_id uuid,
    p_credits bigint,
    p_budget bigint,
    p_reset_period text,
    p_reset_anchor timestamptz,
    p_is_active boolean,
    p_moment timestamptz,
    p_actor text,
    p_request_id text,
    p_notes text,
    p_journal_notes text
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_available bigint;
    v_zone text;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_allocation_id IS NULL OR p_journal_id IS NULL OR p_moment IS NULL
        OR p_is_active IS NULL
    THEN
        RAISE EXCEPTION 'an organization, a user, ids and a moment are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits IS NULL OR p_credits < 0 OR p_budget IS NULL OR p_budget < 0 THEN
        RAISE EXCEPTION 'credits % or budget % out of range', p_credits, p_budget USING ERRCODE = 'OB002';
    END IF;
    SELECT pool.available_credits INTO v_available FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;
    INSERT INTO public.user_credit_allocations (
        id, org_id, user_id, budget_credits, used_credits, held_credits, remaining_credits, lifetime_used_credits,
        reset_period, reset_anchor, next_reset_date, is_active, allocated_by, notes, created_at, updated_at
    ) VALUES (
        p_allocation_id, p_org_id, p_user_id, 0, 0, 0, 0, 0, p_reset_period, p_reset_anchor,
        public.period_boundary(p_reset_anchor, p_reset_period, v_zone, v_now), p_is_active, p_actor, p_notes, p_moment,
        v_now
    );
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.credit_journal (
        id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
        remaining_before, remaining_after, notes, actor, request_id, created_at
    )
    SELECT p_journal_id, p_org_id, p_allocation_id, 'allocation', 'available', 'remaining', p_credits, v_available,
        v_available - p_credits, 0, p_credits, p_journal_notes, p_actor, p_request_id, p_moment
    WHERE p_credits > 0;
    UPDATE public.organization_credit_pools AS pool
    SET allocated_credits = pool.allocated_credits + p_credits, updated_at = v_now
    WHERE pool.org_id = p_org_id;
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = p_credits, budget_credits = p_budget
    WHERE a.org_id = p_org_id AND a.id = p_allocation_id;
    PERFORM set_config('orgbilling.door', '', true);
END
$$;
