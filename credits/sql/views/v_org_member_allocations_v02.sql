-- One row a member of an organization, with the allocation if there is one. Expired holds count as released.
CREATE OR REPLACE VIEW public.v_org_member_allocations AS
SELECT
    m.id AS member_id,
    m.org_id,
    m.user_id,
    u.email AS user_email,
    u.name AS user_name,
    m.role,
    a.id AS allocation_id,
    coalesce(a.allocated_credits - coalesce(elapsed.overage_credits, 0), 0) AS allocated_credits,
    coalesce(a.used_credits, 0) AS used_credits,
    coalesce(a.held_credits - coalesce(elapsed.held_credits, 0), 0) AS held_credits,
    coalesce(
        a.remaining_credits + coalesce(elapsed.held_credits - elapsed.overage_credits, 0), 0
    ) AS remaining_credits,
    round(100.0 * a.used_credits / nullif(a.allocated_credits - coalesce(elapsed.overage_credits, 0), 0), 1) AS percent_used
FROM public.organization_members AS m
INNER JOIN public.users AS u ON m.user_id = u.id
LEFT JOIN public.user_credit_allocations AS a ON m.org_id = a.org_id AND m.user_id = a.user_id AND a.is_active
LEFT JOIN public.v_elapsed_holds AS elapsed ON a.org_id = elapsed.org_id AND a.id = elapsed.allocation_id;
