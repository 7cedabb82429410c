-- Move credits from an organization's pool to one member's allocation, which is made when there is none. A recurring
-- amount raises the budget that each reset restores. p_reset_period NULL keeps the period there is (monthly at first).
-- Told as credits.allocated.
-- Returns the allocation, whether it was made, and what it has left.
-- Locks: pool, then allocation. Errors: OB001 argument missing, OB002 amount out of range, OB003 pool short
-- (requested, available, refreshes_at), OB014 no pool, OB005 not a member, OB010 period unknown, OB011 balance limit.
CREATE OR REPLACE FUNCTION public.allocate_credits_to_user(
    p_org_id uuid,
    p_user_id uuid,
    p_new_allocation_id uuid,
    p_journal_id uuid,
    p_reset_journal_id uuid,
    p_credits bigint,
    p_reset_period text,
    p_recurring boolean,
    p_actor text,
    p_request_id text,
    p_idempotency_key text,
    p_body_hash bytea,
    p_notes text
) RETURNS TABLE (allocation_id uuid, created boolean, remaining bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_pool public.organization_credit_pools;
    v_allocation public.user_credit_allocations;
    v_zone text;
    v_created boolean := false;
    v_period text;
    v_reopened timestamptz;
    v_after timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_new_allocation_id IS NULL OR p_journal_id IS NULL
        OR p_reset_journal_id IS NULL OR p_recurring IS NULL
    THEN
        RAISE EXCEPTION 'an organization, a user, ids and recurring are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits IS NULL OR p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
    END IF;
    IF p_reset_period IS NOT NULL AND p_reset_period NOT IN ('daily', 'weekly', 'monthly', 'never') THEN
        RAISE EXCEPTION 'reset period % unknown', p_reset_period USING ERRCODE = 'OB010';
    END IF;
    SELECT pool.* INTO v_pool FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    PERFORM 1 FROM public.organization_members AS m WHERE m.org_id = p_org_id AND m.user_id = p_user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % is not a member of %', p_user_id, p_org_id USING ERRCODE = 'OB005';
    END IF;
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.user_credit_allocations (
        id, org_id, user_id, budget_credits, used_credits, held_credits, remaining_credits, lifetime_used_credits,
        reset_period, reset_anchor, next_reset_date, is_active, allocated_by, notes, created_at, updated_at
    ) VALUES (
        p_new_allocation_id, p_org_id, p_user_id, 0, 0, 0, 0, 0, coalesce(p_reset_period, 'monthly'), v_now,
        public.period_boundary(v_now, coalesce(p_reset_period, 'monthly'), v_zone, v_now), true, p_actor,
        p_notes, v_now, v_now
    ) ON CONFLICT (org_id, user_id) DO NOTHING;
    v_created := FOUND;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id FOR NO KEY UPDATE;
    PERFORM public.bring_up_to_date(p_org_id, p_user_id, v_allocation.id, p_reset_journal_id, v_now, p_request_id);
    SELECT a.* INTO STRICT v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id;
    SELECT pool.* INTO STRICT v_pool FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id;
    IF v_pool.available_credits < p_credits THEN
        RAISE EXCEPTION 'pool of % is short', p_org_id USING ERRCODE = 'OB003',
            DETAIL = json_build_object(
                'requested', p_credits, 'available', v_pool.available_credits,
                'refreshes_at', to_char(v_pool.next_refresh_date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            )::text;
    END IF;
    IF v_allocation.budget_credits > 9000000000000000000 - p_credits THEN
        RAISE EXCEPTION 'budget of % is at its limit', p_user_id USING ERRCODE = 'OB011';
    END IF;
    v_period := coalesce(p_reset_period, v_allocation.reset_period);
    v_after := v_now;
    IF v_period <> v_allocation.reset_period THEN
        -- The next boundary is after every charge, also after one of a clock that has been set back since.
        SELECT greatest(v_now, max(u.created_at)) INTO v_after FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.user_id = p_user_id;
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    IF NOT v_allocation.is_active THEN
        -- Who comes back begins a period: what was used before the departure belongs to the one that this closes. It
        -- begins after every row of that one, also of those that began later than this and were first at the locks.
        SELECT greatest(v_now, v_allocation.last_reset_date, max(u.created_at)) + interval '1 microsecond'
        INTO v_reopened
        FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.user_id = p_user_id;
        INSERT INTO public.credit_journal (
            id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
            remaining_before, remaining_after, period_start, period_used_credits, notes, actor, request_id, created_at
        ) VALUES (
            public.time_ordered_id(), p_org_id, v_allocation.id, 'reset', 'available', 'remaining', 0,
            v_pool.available_credits, v_pool.available_credits, v_allocation.remaining_credits,
            v_allocation.remaining_credits, v_reopened, v_allocation.used_credits, 'Opened again', p_actor, p_request_id,
            v_now
        );
        UPDATE public.user_credit_allocations AS a
        SET used_credits = 0, last_reset_date = v_reopened
        WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
    END IF;
    INSERT INTO public.credit_journal (
        id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
        remaining_before, remaining_after, notes, actor, request_id, idempotency_key, body_hash, created_at
    ) VALUES (
        p_journal_id, p_org_id, v_allocation.id, 'allocation', 'available', 'remaining', p_credits,
        v_pool.available_credits, v_pool.available_credits - p_credits, v_allocation.remaining_credits,
        v_allocation.remaining_credits + p_credits, p_notes, p_actor, p_request_id, p_idempotency_key, p_body_hash,
        v_now
    );
    UPDATE public.organization_credit_pools AS pool
    SET allocated_credits = pool.allocated_credits + p_credits, updated_at = v_now
    WHERE pool.org_id = p_org_id AND pool.id = v_pool.id;
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits + p_credits,
        budget_credits = a.budget_credits + CASE WHEN p_recurring THEN p_credits ELSE 0 END,
        reset_period = v_period,
        next_reset_date = CASE
            WHEN v_period = a.reset_period AND a.is_active THEN a.next_reset_date
            -- Who began before a boundary and waited for the locks past it must not open that period again.
            ELSE public.period_boundary(a.reset_anchor, v_period, v_zone, greatest(v_after, a.last_reset_date))
        END,
        is_active = true,
        allocated_by = p_actor,
        notes = CASE WHEN p_notes = '' THEN a.notes ELSE p_notes END,
        updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id
    RETURNING a.* INTO v_allocation;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'credits.allocated',
        jsonb_build_object(
            'org_id', p_org_id, 'journal_id', p_journal_id, 'user_id', p_user_id, 'allocation_id', v_allocation.id,
            'credits', p_credits, 'remaining_credits', v_allocation.remaining_credits,
            'available_credits', v_pool.available_credits - p_credits, 'actor', p_actor, 'request_id', p_request_id
        ),
        v_now
    );
    allocation_id := v_allocation.id;
    created := v_created;
    remaining := v_allocation.remaining_credits;
    RETURN NEXT;
END
$$;
