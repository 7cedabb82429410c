-- Put new credits into an organization's pool: a grant or a purchase, with its journal row, told as credits.added.
-- Makes the pool when there is none. Returns what is available afterwards.
-- Locks: the pool. Errors: OB001 argument missing, OB002 amount out of range, OB010 kind unknown, OB011 balance limit.
CREATE OR REPLACE FUNCTION public.add_credits_to_pool(
    p_org_id uuid,
    p_new_pool_id uuid,
    p_journal_id uuid,
    p_credits bigint,
    p_kind text,
    p_amount numeric,
    p_actor text,
    p_request_id text,
    p_idempotency_key text,
    p_body_hash bytea,
    p_notes text
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_pool public.organization_credit_pools;
    v_available bigint;
BEGIN
    IF p_org_id IS NULL OR p_journal_id IS NULL OR p_new_pool_id IS NULL THEN
        RAISE EXCEPTION 'an organization and ids are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits IS NULL OR p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
    END IF;
    IF p_kind IS NULL OR p_kind NOT IN ('grant', 'purchase') THEN
        RAISE EXCEPTION 'kind % adds no credits', p_kind USING ERRCODE = 'OB010';
    END IF;
    INSERT INTO public.organization_credit_pools AS pool (
        id, org_id, total_credits, allocated_credits, monthly_refresh_amount, allow_overage, overage_limit,
        overage_rate, overage_used, overage_used_period, lifetime_purchased_credits, lifetime_spent_amount,
        account_limit, is_suspended, created_at, updated_at
    ) VALUES (p_new_pool_id, p_org_id, 0, 0, 0, false, 0, 0.01, 0, 0, 0, 0, 1000, false, v_now, v_now)
    ON CONFLICT (org_id) DO NOTHING;
    SELECT pool.* INTO v_pool FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF v_pool.total_credits > 9000000000000000000 - p_credits THEN
        RAISE EXCEPTION 'pool of % is full', p_org_id USING ERRCODE = 'OB011';
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.credit_journal (
        id, org_id, kind, from_bucket, to_bucket, credits, available_before, available_after,
        notes, actor, request_id, idempotency_key, body_hash, created_at
    ) VALUES (
        p_journal_id, p_org_id, p_kind, 'outside', 'available', p_credits, v_pool.available_credits,
        v_pool.available_credits + p_credits, p_notes, p_actor, p_request_id, p_idempotency_key, p_body_hash, v_now
    );
    UPDATE public.organization_credit_pools AS pool
    SET total_credits = pool.total_credits + p_credits,
        lifetime_purchased_credits = pool.lifetime_purchased_credits
            + CASE WHEN p_kind = 'purchase' THEN p_credits ELSE 0 END,
        lifetime_spent_amount = pool.lifetime_spent_amount
            + CASE WHEN p_kind = 'purchase' THEN coalesce(p_amount, 0) ELSE 0 END,
        updated_at = v_now
    WHERE pool.org_id = p_org_id AND pool.id = v_pool.id
    RETURNING pool.available_credits INTO v_available;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'credits.added',
        jsonb_build_object(
            'org_id', p_org_id, 'journal_id', p_journal_id, 'kind', p_kind, 'credits', p_credits,
            'available_credits', v_available, 'actor', p_actor, 'request_id', p_request_id
        ),
        v_now
    );
    RETURN v_available;
END
$$;
