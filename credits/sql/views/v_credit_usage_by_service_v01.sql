-- One row an organization and service: what was spent on it. credits_used is net of refunds.
CREATE OR REPLACE VIEW public.v_credit_usage_by_service AS
SELECT
    u.org_id::text || '/' || u.service_name AS row_id,
    u.org_id,
    u.service_name,
    count(*) FILTER (WHERE u.refund_of_id IS NULL) AS request_count,
    sum(u.credits_used)::bigint AS credits_used,
    coalesce(-sum(u.credits_used) FILTER (WHERE u.refund_of_id IS NOT NULL), 0)::bigint AS credits_refunded,
    count(DISTINCT u.user_id) AS user_count,
    max(u.created_at) FILTER (WHERE u.refund_of_id IS NULL) AS last_used_at
FROM public.credit_usage_attribution AS u
GROUP BY u.org_id, u.service_name;
