-- Apply what time has brought to an organization: refresh, end of the overage period, and of at most p_limit allocations
-- expired holds and resets. What the jobs call; running it twice, late or at the same time changes nothing more.
-- Returns how many allocations were looked at; p_limit of them may mean that there are more.
-- Locks: pool, then allocations by user, then expired holds. Errors: OB001 argument missing, OB014 no pool.
CREATE OR REPLACE FUNCTION public.settle_due(p_org_id uuid, p_limit integer, p_request_id text) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_due uuid[];
    v_allocation_id uuid;
    v_user_id uuid;
    v_period_end timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_limit IS NULL THEN
        RAISE EXCEPTION 'an organization and a limit are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    PERFORM public.refresh_pool_if_due(p_org_id, v_now, 'system', p_request_id);
    SELECT pool.overage_period_end INTO v_period_end FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND pool.overage_period_end <= v_now;
    -- All that will be touched is locked at once, by user. Whoever has overage in a hold that expired is among them: what
    -- it gave back in time is not billed.
    v_due := array(
        SELECT a.id FROM public.user_credit_allocations AS a
        WHERE a.org_id = p_org_id
            AND a.id IN (
                SELECT due.id FROM (
                    SELECT d.id FROM public.user_credit_allocations AS d
                    WHERE d.org_id = p_org_id
                        AND (
                            (d.is_active AND d.next_reset_date <= v_now)
                            OR EXISTS (
                                SELECT 1 FROM public.credit_holds AS h
                                WHERE h.org_id = p_org_id AND h.allocation_id = d.id AND h.status = 'pending'
                                    AND h.expires_at <= v_now
                            )
                        )
                    ORDER BY d.user_id
                    LIMIT p_limit
                ) AS due
                UNION ALL
                SELECT h.allocation_id FROM public.credit_holds AS h
                WHERE h.org_id = p_org_id AND h.status = 'pending' AND h.expires_at <= v_period_end
                    AND h.overage_credits > 0
            )
        ORDER BY a.user_id
        FOR NO KEY UPDATE
    );
    IF v_period_end IS NOT NULL THEN
        FOREACH v_allocation_id IN ARRAY v_due LOOP
            PERFORM public.expire_holds(p_org_id, v_allocation_id, v_period_end, p_request_id);
        END LOOP;
        PERFORM public.close_overage_period(p_org_id, v_now);
    END IF;
    FOREACH v_allocation_id IN ARRAY v_due LOOP
        SELECT a.user_id INTO STRICT v_user_id FROM public.user_credit_allocations AS a
        WHERE a.org_id = p_org_id AND a.id = v_allocation_id;
        PERFORM public.bring_up_to_date(
            p_org_id, v_user_id, v_allocation_id, public.time_ordered_id(), v_now, p_request_id
        );
    END LOOP;
    RETURN cardinality(v_due);
END
$$;
