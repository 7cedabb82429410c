-- What a charge or a hold costs now, read without a lock; no row when something forbids it or it can't be priced, which
-- the path that locks the pool explains. Exactly one of p_credits and p_quantity.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.entitled_cost(
    p_org_id uuid, p_credits bigint, p_quantity bigint, p_service_name text, p_now timestamptz
) RETURNS TABLE (needed bigint, unit_price bigint, price_version integer)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_plan text;
BEGIN
    SELECT CASE WHEN pool.next_price_plan_at <= p_now THEN pool.next_price_plan ELSE pool.price_plan END
    INTO v_plan
    FROM public.organization_credit_pools AS pool
    WHERE pool.org_id = p_org_id AND NOT pool.is_suspended AND pool.spending_until > p_now;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    needed := p_credits;
    IF p_quantity IS NOT NULL THEN
        SELECT price.unit_price, price.version INTO unit_price, price_version
        FROM public.price_of_service(p_service_name, v_plan, p_now) AS price;
        IF NOT FOUND OR unit_price::numeric * p_quantity > 1000000000000000 THEN
            RETURN;
        END IF;
        needed := unit_price * p_quantity;
    END IF;
    RETURN NEXT;
END
$$;
