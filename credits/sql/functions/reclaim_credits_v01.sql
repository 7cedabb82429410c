-- Take unspent credits back from a member to the pool, and lower the budget by the same. p_credits NULL takes all that
-- remain. What is held stays held.
-- Returns the allocation and what was taken, 0 when nothing remained and no amount was named.
-- Locks: pool, then allocation, then expired holds. Errors: OB001 argument missing, OB002 amount out of range, OB006 no
-- allocation, OB007 allocation inactive, OB014 no pool, OB015 fewer remain (requested, remaining).
CREATE OR REPLACE FUNCTION public.reclaim_credits(
    p_org_id uuid,
    p_user_id uuid,
    p_journal_id uuid,
    p_reset_journal_id uuid,
    p_credits bigint,
    p_actor text,
    p_request_id text,
    p_idempotency_key text,
    p_body_hash bytea,
    p_notes text
) RETURNS TABLE (o_allocation_id uuid, o_credits bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_allocation public.user_credit_allocations;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL OR p_journal_id IS NULL OR p_reset_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, a user and ids are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
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
    SELECT a.* INTO STRICT v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
    o_allocation_id := v_allocation.id;
    o_credits := coalesce(p_credits, v_allocation.remaining_credits);
    IF o_credits > v_allocation.remaining_credits THEN
        RAISE EXCEPTION 'only % remain', v_allocation.remaining_credits USING ERRCODE = 'OB015',
            DETAIL = json_build_object('requested', o_credits, 'remaining', v_allocation.remaining_credits)::text;
    END IF;
    IF o_credits > 0 THEN
        PERFORM public.move_remaining_to_pool(
            p_org_id, v_allocation.id, p_journal_id, o_credits, p_notes, v_now, p_actor, p_request_id,
            p_idempotency_key, p_body_hash
        );
        PERFORM set_config('orgbilling.door', 'open', true);
        UPDATE public.user_credit_allocations AS a
        SET budget_credits = greatest(0, a.budget_credits - o_credits), updated_at = v_now
        WHERE a.org_id = p_org_id AND a.id = v_allocation.id;
        PERFORM set_config('orgbilling.door', '', true);
    END IF;
    RETURN NEXT;
END
$$;
