-- Grant the pool its monthly refresh for each month that has begun since the last one, once a month: a journal row that
-- is unique for the organization and the month, told as credits.added. A month that no subscription covered when it began gets none.
-- The caller holds the pool's lock. Returns how many months were granted.
-- Locks: none of its own. Errors: OB001 argument missing; 23505 when a month was granted already.
CREATE OR REPLACE FUNCTION public.refresh_pool_if_due(
    p_org_id uuid, p_now timestamptz, p_actor text, p_request_id text
) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    v_pool public.organization_credit_pools;
    v_zone text;
    v_boundary timestamptz;
    v_last timestamptz;
    v_last_granted timestamptz;
    v_granted integer := 0;
    v_journal_id uuid;
BEGIN
    IF p_org_id IS NULL OR p_now IS NULL THEN
        RAISE EXCEPTION 'an organization and a moment are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT pool.* INTO v_pool FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND pool.next_refresh_date <= p_now;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;
    PERFORM set_config('orgbilling.door', 'open', true);
    FOR v_boundary IN SELECT due.moment FROM public.due_refreshes(p_org_id, p_now) AS due (moment) LOOP
        v_last := v_boundary;
        -- A pool at its limit takes no more: the month passes, and no charge fails for it.
        IF v_pool.spending_until > v_boundary
            AND v_pool.total_credits <= 9000000000000000000 - v_pool.monthly_refresh_amount
        THEN
            v_journal_id := public.time_ordered_id();
            INSERT INTO public.credit_journal (
                id, org_id, kind, from_bucket, to_bucket, credits, available_before, available_after, period_start,
                notes, actor, request_id, created_at
            ) VALUES (
                v_journal_id, p_org_id, 'refresh', 'outside', 'available', v_pool.monthly_refresh_amount,
                v_pool.available_credits, v_pool.available_credits + v_pool.monthly_refresh_amount, v_boundary, '',
                p_actor, p_request_id, p_now
            );
            UPDATE public.organization_credit_pools AS pool
            SET total_credits = pool.total_credits + pool.monthly_refresh_amount
            WHERE pool.org_id = p_org_id AND pool.id = v_pool.id
            RETURNING pool.* INTO v_pool;
            v_granted := v_granted + 1;
            PERFORM public.record_event(
                p_org_id, 'credits.added',
                jsonb_build_object(
                    'org_id', p_org_id, 'journal_id', v_journal_id, 'kind', 'refresh',
                    'credits', v_pool.monthly_refresh_amount, 'available_credits', v_pool.available_credits,
                    'actor', p_actor, 'request_id', p_request_id
                ),
                p_now
            );
            v_last_granted := v_boundary;
        END IF;
    END LOOP;
    UPDATE public.organization_credit_pools AS pool
    SET last_refresh_date = coalesce(v_last_granted, pool.last_refresh_date),
        next_refresh_date = public.next_period_boundary(pool.refresh_anchor, 'monthly', v_zone, v_last),
        updated_at = p_now
    WHERE pool.org_id = p_org_id AND pool.id = v_pool.id;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN v_granted;
END
$$;
