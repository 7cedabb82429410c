-- Close an elapsed period of one allocation and open the one that p_now is in: top the allocation up to its budget from
-- what the pool has available, and start the period's counter again. Credits move, none is made: a pool that is short
-- gives what it has, and the row says by how much it was short. The caller holds the locks of the pool and the allocation, in this order.
-- Told as credits.reset. Returns whether a period was closed.
-- Locks: none of its own. Errors: OB001 argument missing; 23505 when the period was opened already.
CREATE OR REPLACE FUNCTION public.reset_allocation_if_due(
    p_org_id uuid, p_user_id uuid, p_journal_id uuid, p_now timestamptz, p_actor text, p_request_id text
) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    v_allocation public.user_credit_allocations;
    v_available bigint;
    v_zone text;
    v_next timestamptz;
    v_start timestamptz;
    v_needed bigint;
    v_moved bigint;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, a user and a journal id are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id;
    IF NOT FOUND OR NOT v_allocation.is_active OR v_allocation.next_reset_date IS NULL
        OR v_allocation.next_reset_date > p_now
    THEN
        RETURN false;
    END IF;
    SELECT pool.available_credits INTO STRICT v_available FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id;
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;
    -- After an outage of many periods only the newest is opened: the ones between had no usage to close.
    v_start := v_allocation.next_reset_date;
    v_next := public.next_period_boundary(v_allocation.reset_anchor, v_allocation.reset_period, v_zone, v_start);
    WHILE v_next <= p_now LOOP
        v_start := v_next;
        v_next := public.next_period_boundary(v_allocation.reset_anchor, v_allocation.reset_period, v_zone, v_start);
    END LOOP;
    v_needed := greatest(0, v_allocation.budget_credits - v_allocation.remaining_credits - v_allocation.held_credits);
    v_moved := least(v_needed, v_available);
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.credit_journal (
        id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
        remaining_before, remaining_after, period_start, period_used_credits, shortfall_credits, notes, actor, request_id,
        created_at
    ) VALUES (
        p_journal_id, p_org_id, v_allocation.id, 'reset', 'available', 'remaining', v_moved, v_available,
        v_available - v_moved, v_allocation.remaining_credits, v_allocation.remaining_credits + v_moved, v_start,
        v_allocation.used_credits, nullif(v_needed - v_moved, 0), '', p_actor, p_request_id, p_now
    );
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits + v_moved,
        used_credits = 0,
        last_reset_date = v_start,
        next_reset_date = v_next,
        updated_at = p_now
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
    UPDATE public.organization_credit_pools AS pool
    SET allocated_credits = pool.allocated_credits + v_moved, updated_at = p_now
    WHERE pool.org_id = p_org_id AND v_moved > 0;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'credits.reset',
        jsonb_build_object(
            'org_id', p_org_id, 'journal_id', p_journal_id, 'user_id', p_user_id, 'allocation_id', v_allocation.id,
            'credits', v_moved, 'shortfall_credits', v_needed - v_moved, 'period_start', public.rfc3339(v_start),
            'next_reset_date', public.rfc3339(v_next),
            'remaining_credits', v_allocation.remaining_credits + v_moved, 'available_credits', v_available - v_moved,
            'request_id', p_request_id
        ),
        p_now
    );
    RETURN true;
END
$$;
