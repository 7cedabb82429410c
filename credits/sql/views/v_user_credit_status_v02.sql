-- One row an allocation: what a person may still spend, and where. Expired holds count as released.
CREATE OR REPLACE VIEW public.v_user_credit_status AS
SELECT
    a.id AS allocation_id,
    a.org_id,
    o.display_name AS org_name,
    a.user_id,
    u.email AS user_email,
    a.budget_credits,
    a.allocated_credits - coalesce(
        CASE WHEN a.is_active THEN elapsed.overage_credits ELSE elapsed.held_credits END, 0
    ) AS allocated_credits,
    a.used_credits,
    a.held_credits - coalesce(elapsed.held_credits, 0) AS held_credits,
    -- What a former member's holds give back goes to the pool.
    a.remaining_credits + coalesce(
        CASE WHEN a.is_active THEN elapsed.held_credits - elapsed.overage_credits END, 0
    ) AS remaining_credits,
    a.lifetime_used_credits,
    a.reset_period,
    a.next_reset_date,
    a.is_active
FROM public.user_credit_allocations AS a
INNER JOIN public.organizations AS o ON a.org_id = o.id
INNER JOIN public.users AS u ON a.user_id = u.id
LEFT JOIN public.v_elapsed_holds AS elapsed ON a.org_id = elapsed.org_id AND a.id = elapsed.allocation_id;
