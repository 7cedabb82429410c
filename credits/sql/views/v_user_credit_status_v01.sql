-- One row an allocation: what a person may still spend, and where.
CREATE OR REPLACE VIEW public.v_user_credit_status AS
SELECT
    a.id AS allocation_id,
    a.org_id,
    o.display_name AS org_name,
    a.user_id,
    u.email AS user_email,
    a.budget_credits,
    a.allocated_credits,
    a.used_credits,
    a.held_credits,
    a.remaining_credits,
    a.lifetime_used_credits,
    a.reset_period,
    a.next_reset_date,
    a.is_active
FROM public.user_credit_allocations AS a
INNER JOIN public.organizations AS o ON a.org_id = o.id
INNER JOIN public.users AS u ON a.user_id = u.id;
