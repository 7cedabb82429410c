-- Return credits of one allocation to the pool, with their journal row, told as credits.reclaimed. Whether the budget falls too is the caller's
-- business. The caller holds the locks of the pool and the allocation and knows that as many remain.
-- Locks: none of its own. Errors: OB001 argument missing; a CHECK when fewer remain.
CREATE OR REPLACE FUNCTION public.move_remaining_to_pool(
    p_org_id uuid,
    p_allocation_id uuid,
    p_journal_id uuid,
    p_credits bigint,
    p_notes text,
    p_now timestamptz,
    p_actor text,
    p_request_id text,
    p_idempotency_key text,
    p_body_hash bytea
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_available bigint;
    v_remaining bigint;
    v_user_id uuid;
BEGIN
    IF p_org_id IS NULL OR p_allocation_id IS NULL OR p_credits IS NULL THEN
        RAISE EXCEPTION 'an organization, an allocation and credits are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT pool.available_credits INTO STRICT v_available FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id;
    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits - p_credits, updated_at = p_now
    WHERE a.org_id = p_org_id AND a.id = p_allocation_id
    RETURNING a.remaining_credits, a.user_id INTO STRICT v_remaining, v_user_id;
    INSERT INTO public.credit_journal (
        id, org_id, allocation_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
        remaining_before, remaining_after, notes, actor, request_id, idempotency_key, body_hash, created_at
    ) VALUES (
        p_journal_id, p_org_id, p_allocation_id, 'reclaim', 'remaining', 'available', p_credits, v_available,
        v_available + p_credits, v_remaining + p_credits, v_remaining, p_notes, p_actor, p_request_id,
        p_idempotency_key, p_body_hash, p_now
    );
    UPDATE public.organization_credit_pools AS pool
    SET allocated_credits = pool.allocated_credits - p_credits, updated_at = p_now
    WHERE pool.org_id = p_org_id;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'credits.reclaimed',
        jsonb_build_object(
            'org_id', p_org_id, 'journal_id', p_journal_id, 'user_id', v_user_id, 'allocation_id', p_allocation_id,
            'credits', p_credits, 'remaining_credits', v_remaining, 'available_credits', v_available + p_credits,
            'actor', p_actor, 'request_id', p_request_id
        ),
        p_now
    );
END
$$;
