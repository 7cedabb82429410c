-- Decide whether a member may spend, and whether the allocation can pay, after applying what time has brought. Overage is
-- drawn here, when it is what pays: only if neither what remains nor what the pool has available covers the rest.
-- Exactly one of p_credits (as sent) and p_quantity (priced by the catalogue). Shared by charges and holds.
-- o_enough false: nothing was drawn; o_needed and o_remaining say by how much it falls short.
-- o_at is the moment of the row to be written: never before the period that it is counted in.
-- The caller holds the locks of the pool and, if there is one, the allocation.
-- Locks: expired holds. Errors: OB002 a price beyond the range, OB005 not a member, OB006 no allocation, OB007 allocation
-- inactive, OB008 subscription inactive, OB012 organization suspended, OB013 service unknown.
CREATE OR REPLACE FUNCTION public.decide_charge(
    p_org_id uuid,
    p_user_id uuid,
    p_journal_id uuid,
    p_credits bigint,
    p_quantity bigint,
    p_service_name text,
    p_now timestamptz,
    p_request_id text
) RETURNS TABLE (
    o_allocation_id uuid,
    o_needed bigint,
    o_unit_price bigint,
    o_price_version integer,
    o_remaining bigint,
    o_overage bigint,
    o_enough boolean,
    o_at timestamptz
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_pool public.organization_credit_pools;
    v_allocation public.user_credit_allocations;
    v_has_allocation boolean;
    v_short bigint;
BEGIN
    SELECT pool.* INTO STRICT v_pool FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id;
    SELECT a.* INTO v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id;
    v_has_allocation := FOUND;
    IF v_pool.is_suspended THEN
        RAISE EXCEPTION 'organization % is suspended', p_org_id USING ERRCODE = 'OB012';
    END IF;
    PERFORM 1 FROM public.organization_members AS m WHERE m.org_id = p_org_id AND m.user_id = p_user_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % is not a member of %', p_user_id, p_org_id USING ERRCODE = 'OB005';
    END IF;
    IF NOT v_has_allocation THEN
        RAISE EXCEPTION 'user % has no allocation in %', p_user_id, p_org_id USING ERRCODE = 'OB006';
    END IF;
    IF NOT v_allocation.is_active THEN
        RAISE EXCEPTION 'allocation % is inactive', v_allocation.id USING ERRCODE = 'OB007';
    END IF;
    -- Who began before the end of a period and waited past it spends in the next one, if there is one.
    IF v_pool.spending_until IS NULL OR v_pool.spending_until <= greatest(p_now, v_pool.overage_period_start) THEN
        RAISE EXCEPTION 'organization % has no subscription that lets it spend', p_org_id USING ERRCODE = 'OB008';
    END IF;

    o_allocation_id := v_allocation.id;
    o_needed := p_credits;
    IF p_quantity IS NOT NULL THEN
        SELECT price.unit_price, price.version INTO o_unit_price, o_price_version
        FROM public.price_of_service(
            p_service_name,
            CASE WHEN v_pool.next_price_plan_at <= p_now THEN v_pool.next_price_plan ELSE v_pool.price_plan END,
            p_now
        ) AS price;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'service % has no price', p_service_name USING ERRCODE = 'OB013';
        END IF;
        IF o_unit_price::numeric * p_quantity > 1000000000000000 THEN
            RAISE EXCEPTION '% of % cost too much for one charge', p_quantity, p_service_name USING ERRCODE = 'OB002';
        END IF;
        o_needed := o_unit_price * p_quantity;
    END IF;

    PERFORM public.bring_up_to_date(p_org_id, p_user_id, o_allocation_id, p_journal_id, p_now, p_request_id);
    SELECT pool.* INTO STRICT v_pool FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id;
    SELECT a.* INTO STRICT v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = o_allocation_id;
    o_remaining := v_allocation.remaining_credits;
    o_overage := 0;
    o_at := greatest(p_now, v_allocation.last_reset_date);
    o_enough := o_remaining >= o_needed;
    IF NOT o_enough THEN
        v_short := o_needed - o_remaining;
        IF v_pool.allow_overage
            AND v_pool.available_credits < v_short
            AND v_pool.overage_limit - v_pool.overage_used_period >= v_short
        THEN
            PERFORM set_config('orgbilling.door', 'open', true);
            UPDATE public.organization_credit_pools AS pool
            SET overage_used = pool.overage_used + v_short,
                overage_used_period = pool.overage_used_period + v_short,
                updated_at = p_now
            WHERE pool.org_id = p_org_id AND pool.id = v_pool.id;
            PERFORM set_config('orgbilling.door', '', true);
            o_overage := v_short;
            o_enough := true;
            o_at := greatest(o_at, v_pool.overage_period_start);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
