-- What would become of a charge now, and why: prices it and works out what the allocation, the pool and overage would be
-- once what time has brought is applied; writes nothing. p_credits NULL and p_quantity NULL ask for the balances alone.
-- o_refused_by names the first limit that refuses, in the order in which decide_charge looks at them: organization,
-- allocation_active, subscription, allocation (which neither the pool nor overage can help); NULL when it would pass.
-- Locks: none. Errors: OB001 argument missing, OB002 amount out of range, OB004 no organization, OB005 not a member, OB006
-- no allocation, OB013 service unknown, OB014 no pool.
CREATE OR REPLACE FUNCTION public.evaluate_charge(
    p_org_id uuid, p_user_id uuid, p_credits bigint, p_quantity bigint, p_service_name text
) RETURNS TABLE (
    o_refused_by text,
    o_needed bigint,
    o_unit_price bigint,
    o_price_version integer,
    o_remaining bigint,
    o_held bigint,
    o_available bigint,
    o_overage_allowed boolean,
    o_overage_room bigint,
    o_suspended boolean,
    o_active boolean,
    o_entitled boolean,
    o_resets_at timestamptz
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_pool public.organization_credit_pools;
    v_allocation public.user_credit_allocations;
    v_zone text;
    v_overage_used bigint;
    v_elapsed bigint;
    v_returned bigint;
    v_moved bigint;
    v_short bigint;
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL THEN
        RAISE EXCEPTION 'an organization and a user are needed' USING ERRCODE = 'OB001';
    END IF;
    IF coalesce(p_credits, p_quantity) NOT BETWEEN 1 AND 1000000000000000 THEN
        RAISE EXCEPTION 'credits or quantity from 1 to 10^15' USING ERRCODE = 'OB002';
    END IF;
    SELECT pool.* INTO v_pool FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id;
    IF NOT FOUND THEN
        PERFORM 1 FROM public.organizations AS o WHERE o.id = p_org_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no organization %', p_org_id USING ERRCODE = 'OB004';
        END IF;
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    PERFORM 1 FROM public.organization_members AS m WHERE m.org_id = p_org_id AND m.user_id = p_user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % is not a member of %', p_user_id, p_org_id USING ERRCODE = 'OB005';
    END IF;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % has no allocation in %', p_user_id, p_org_id USING ERRCODE = 'OB006';
    END IF;
    SELECT o.timezone INTO STRICT v_zone FROM public.organizations AS o WHERE o.id = p_org_id;

    o_needed := p_credits;
    IF p_quantity IS NOT NULL THEN
        SELECT price.unit_price, price.version INTO o_unit_price, o_price_version
        FROM public.price_of_service(
            p_service_name,
            CASE WHEN v_pool.next_price_plan_at <= v_now THEN v_pool.next_price_plan ELSE v_pool.price_plan END,
            v_now
        ) AS price;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'service % has no price', p_service_name USING ERRCODE = 'OB013';
        END IF;
        IF o_unit_price::numeric * p_quantity > 1000000000000000 THEN
            RAISE EXCEPTION '% of % cost too much for one charge', p_quantity, p_service_name USING ERRCODE = 'OB002';
        END IF;
        o_needed := o_unit_price * p_quantity;
    END IF;

    o_suspended := v_pool.is_suspended;
    o_active := v_allocation.is_active;
    o_entitled := coalesce(v_pool.spending_until > v_now, false);
    o_available := v_pool.available_credits + v_pool.monthly_refresh_amount * (
        SELECT count(*) FROM public.due_refreshes(p_org_id, v_now) AS due (moment)
        WHERE v_pool.spending_until > due.moment
    );
    SELECT coalesce(sum(h.credits - h.captured_credits), 0)::bigint,
        coalesce(sum(least(h.credits - h.captured_credits, h.overage_credits)) FILTER (
            WHERE h.created_at >= coalesce(v_pool.overage_period_start, h.created_at)
                AND (
                    v_pool.overage_period_end IS NULL
                    OR v_pool.overage_period_end > v_now
                    OR h.expires_at <= v_pool.overage_period_end
                )
        ), 0)::bigint
    INTO v_elapsed, v_returned
    FROM public.credit_holds AS h
    WHERE h.org_id = p_org_id AND h.allocation_id = v_allocation.id AND h.status = 'pending' AND h.expires_at <= v_now;
    v_returned := least(v_returned, v_pool.overage_used_period);
    v_overage_used := CASE
        WHEN v_pool.overage_period_end <= v_now THEN 0 ELSE v_pool.overage_used_period - v_returned
    END;
    o_remaining := v_allocation.remaining_credits;
    IF o_active THEN
        o_remaining := o_remaining + v_elapsed - v_returned;
    ELSE
        -- What a former allocation's hold gives back goes to the pool.
        o_available := o_available + v_elapsed - v_returned;
    END IF;
    o_held := v_allocation.held_credits - v_elapsed;
    o_resets_at := v_allocation.next_reset_date;
    IF o_active AND v_allocation.next_reset_date <= v_now THEN
        v_moved := least(greatest(0, v_allocation.budget_credits - o_remaining - o_held), o_available);
        o_remaining := o_remaining + v_moved;
        o_available := o_available - v_moved;
        o_resets_at := public.period_boundary(
            v_allocation.reset_anchor, v_allocation.reset_period, v_zone, v_now
        );
    END IF;
    o_overage_allowed := v_pool.allow_overage;
    o_overage_room := CASE WHEN v_pool.allow_overage THEN v_pool.overage_limit - v_overage_used ELSE 0 END;
    v_short := greatest(0, coalesce(o_needed, 0) - o_remaining);
    o_refused_by := CASE
        WHEN o_suspended THEN 'organization'
        WHEN NOT o_active THEN 'allocation_active'
        WHEN NOT o_entitled THEN 'subscription'
        WHEN v_short > 0 AND NOT (o_available < v_short AND o_overage_room >= v_short) THEN 'allocation'
    END;
    RETURN NEXT;
END
$$;
