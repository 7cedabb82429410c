-- The boundaries at which an organization's pool is to be refreshed and has not been yet: every one up to p_now, oldest
-- first. What the subscription doesn't cover is passed over by whoever grants them.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.due_refreshes(p_org_id uuid, p_now timestamptz) RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_pool record;
    v_zone text;
    v_boundary timestamptz;
BEGIN
    SELECT pool.next_refresh_date, pool.refresh_anchor INTO v_pool
    FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND pool.next_refresh_date <= p_now;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;
    v_boundary := v_pool.next_refresh_date;
    WHILE v_boundary <= p_now LOOP
        RETURN NEXT v_boundary;
        v_boundary := public.next_period_boundary(v_pool.refresh_anchor, 'monthly', v_zone, v_boundary);
    END LOOP;
END
$$;
