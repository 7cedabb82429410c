-- Settle the holds of one allocation that have expired by p_until, which is not after now. The caller holds the locks of
-- the pool and the allocation. Holds that drew no overage are settled in one statement, however many there are.
-- Told as hold.expired, each.
-- Returns how many.
-- Locks: the holds, by id. Errors: OB001 argument missing.
CREATE OR REPLACE FUNCTION public.expire_holds(
    p_org_id uuid, p_allocation_id uuid, p_until timestamptz, p_request_id text
) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    v_hold_id uuid;
    v_count integer;
    v_rest bigint;
    v_active boolean;
    v_settled uuid[];
    v_hold public.credit_holds;
BEGIN
    IF p_org_id IS NULL OR p_allocation_id IS NULL THEN
        RAISE EXCEPTION 'an organization and an allocation are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.credit_holds AS h
    WHERE h.org_id = p_org_id AND h.allocation_id = p_allocation_id AND h.status = 'pending'
        AND h.expires_at <= p_until
    ORDER BY h.id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM set_config('orgbilling.door', 'open', true);
    WITH settled AS (
        UPDATE public.credit_holds AS h
        SET status = 'expired',
            expired_credits = h.credits - h.captured_credits,
            settled_at = p_until,
            updated_at = p_until
        WHERE h.org_id = p_org_id AND h.allocation_id = p_allocation_id AND h.status = 'pending'
            AND h.expires_at <= p_until AND h.overage_credits = 0
        RETURNING h.id, h.expired_credits
    )
    SELECT count(*), coalesce(sum(settled.expired_credits), 0), array_agg(settled.id)
    INTO v_count, v_rest, v_settled FROM settled;
    IF v_rest > 0 THEN
        UPDATE public.user_credit_allocations AS a
        SET held_credits = a.held_credits - v_rest,
            remaining_credits = a.remaining_credits + v_rest,
            updated_at = p_until
        WHERE a.org_id = p_org_id AND a.id = p_allocation_id
        RETURNING a.is_active INTO STRICT v_active;
        IF NOT v_active THEN
            PERFORM public.move_remaining_to_pool(
                p_org_id, p_allocation_id, public.time_ordered_id(), v_rest, 'Released after the member left', p_until,
                'system', p_request_id, NULL, NULL
            );
        END IF;
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    FOR v_hold IN
        SELECT h.* FROM public.credit_holds AS h WHERE h.org_id = p_org_id AND h.id = ANY (v_settled) ORDER BY h.id
    LOOP
        PERFORM public.record_event(
            p_org_id, 'hold.expired',
            jsonb_build_object(
                'org_id', p_org_id, 'hold_id', v_hold.id, 'user_id', v_hold.user_id,
                'allocation_id', v_hold.allocation_id, 'service_name', v_hold.service_name,
                'hold_credits', v_hold.credits, 'captured_credits', v_hold.captured_credits,
                'expired_credits', v_hold.expired_credits, 'actor', 'system', 'request_id', p_request_id
            ),
            p_until
        );
    END LOOP;
    FOR v_hold_id IN
        SELECT h.id FROM public.credit_holds AS h
        WHERE h.org_id = p_org_id AND h.allocation_id = p_allocation_id AND h.status = 'pending'
            AND h.expires_at <= p_until
        ORDER BY h.id
    LOOP
        PERFORM public.settle_hold(p_org_id, v_hold_id, 'expired', NULL, NULL, p_until, 'system', p_request_id);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
