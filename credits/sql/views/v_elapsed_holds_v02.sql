-- One row an allocation that has holds past their expiry which nobody has settled yet: what they reserve still, and the
-- part of it that goes back to the overage counters. Whoever reads balances counts these holds as released.
-- Grouped by columns, not by the pool's key: a view that leans on a primary key would keep it from being promoted (Citus).
CREATE OR REPLACE VIEW public.v_elapsed_holds AS
SELECT
    h.org_id,
    h.allocation_id,
    sum(h.credits - h.captured_credits)::bigint AS held_credits,
    -- Overage of the period that runs, or of one that has ended and is not closed yet if the hold expired before its end.
    least(
        coalesce(sum(least(h.credits - h.captured_credits, h.overage_credits)) FILTER (
            WHERE
            h.created_at >= coalesce(pool.overage_period_start, h.created_at)
            AND (
                pool.overage_period_end IS NULL
                OR pool.overage_period_end > public.billing_now()
                OR h.expires_at <= pool.overage_period_end
            )
        ), 0),
        pool.overage_used_period
    )::bigint AS overage_credits
FROM public.credit_holds AS h
INNER JOIN public.organization_credit_pools AS pool ON h.org_id = pool.org_id
WHERE h.status = 'pending' AND h.expires_at <= public.billing_now()
GROUP BY h.org_id, h.allocation_id, pool.overage_period_start, pool.overage_period_end, pool.overage_used_period;
