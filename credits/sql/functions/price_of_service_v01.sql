-- What one of a service costs under a plan at a moment, and the version of the price; no row for a name that the
-- catalogue doesn't have or whose price hasn't begun. Without a plan the catalogue's own (Platform) price holds.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.price_of_service(p_service_name text, p_plan text, p_at timestamptz)
RETURNS TABLE (unit_price bigint, version integer)
LANGUAGE sql STABLE
AS $$
    SELECT
        CASE p_plan
            WHEN 'byok' THEN price.byok_credits
            WHEN 'hybrid' THEN price.hybrid_credits
            ELSE price.platform_credits
        END,
        price.version
    FROM public.service_prices AS price
    WHERE price.service_id = p_service_name AND price.effective_from <= p_at
    ORDER BY price.effective_from DESC
    LIMIT 1
$$;
