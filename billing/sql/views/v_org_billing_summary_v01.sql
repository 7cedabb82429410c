-- One row an organization: its live subscription, its pool and what it was billed.
-- Every one-to-many table is summed up by organization before it is joined: joined to one another, several events
-- and several allocations would each count the others' amounts again.
CREATE OR REPLACE VIEW public.v_org_billing_summary AS
WITH billed AS (
    SELECT
        h.org_id,
        count(*) AS event_count,
        sum(h.amount) AS billed_amount,
        coalesce(sum(h.amount) FILTER (WHERE h.event_type = 'credit_purchase'), 0) AS purchased_amount,
        max(h.created_at) AS last_event_at
    FROM public.org_billing_history AS h
    GROUP BY h.org_id
),

settled AS (
    SELECT
        p.org_id,
        coalesce(sum(p.amount) FILTER (WHERE p.status = 'paid'), 0) AS paid_amount,
        coalesce(sum(p.amount) FILTER (WHERE p.status = 'pending'), 0) AS pending_amount
    FROM public.payments AS p
    GROUP BY p.org_id
),

spent AS (
    SELECT
        a.org_id,
        sum(a.lifetime_used_credits)::bigint AS used_credits
    FROM public.user_credit_allocations AS a
    GROUP BY a.org_id
),

-- At most one row an organization: a unique index over the live states says so.
live AS (
    SELECT
        s.org_id,
        s.id AS subscription_id,
        s.subscription_plan,
        s.status,
        s.billing_cycle,
        s.monthly_price,
        s.current_period_end,
        CASE
            WHEN s.status NOT IN ('active', 'past_due') THEN 0
            WHEN s.billing_cycle = 'yearly' THEN s.monthly_price * s.yearly_months / 12
            ELSE s.monthly_price
        END AS monthly_revenue
    FROM public.organization_subscriptions AS s
    WHERE s.status IN ('trialing', 'active', 'past_due', 'paused')
)

SELECT
    o.id AS org_id,
    o.display_name AS org_name,
    o.status AS org_status,
    live.subscription_id,
    live.subscription_plan,
    live.status AS subscription_status,
    live.billing_cycle,
    live.monthly_price,
    live.current_period_end,
    coalesce(live.monthly_revenue, 0) AS monthly_revenue,
    coalesce(pool.total_credits, 0) AS total_credits,
    coalesce(pool.allocated_credits, 0) AS allocated_credits,
    coalesce(pool.available_credits, 0) AS available_credits,
    coalesce(spent.used_credits, 0) AS used_credits,
    coalesce(billed.event_count, 0) AS event_count,
    coalesce(billed.billed_amount, 0) AS billed_amount,
    coalesce(billed.purchased_amount, 0) AS purchased_amount,
    coalesce(settled.paid_amount, 0) AS paid_amount,
    coalesce(settled.pending_amount, 0) AS pending_amount,
    billed.last_event_at
FROM public.organizations AS o
LEFT JOIN live ON o.id = live.org_id
LEFT JOIN public.organization_credit_pools AS pool ON o.id = pool.org_id
LEFT JOIN spent ON o.id = spent.org_id
LEFT JOIN billed ON o.id = billed.org_id
LEFT JOIN settled ON o.id = settled.org_id;
