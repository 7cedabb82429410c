-- Write usage of the past, of one organization that comes from another system, and take it from the allocations that were
-- given it (import_allocation). p_items is an array of objects in the order in which they were spent: id, allocation, user,
-- credits (negative with refund_of, the refunded row's id), type, service, request, metadata, key, actor and at.
-- A key is what the other system knew the request by, so that its retry here is refused and not charged again.
-- Rows of a moment that reports may have summed up by now are noted in credit_usage_late, as note_late_usage does.
-- Only `manage.py import_opscenter` calls this, as the tables' owner.
-- Returns how many rows were written.
-- Locks: the allocations, by user. Errors: OB001 argument missing, 23505 for a row that is there, a CHECK for more than was given.
CREATE OR REPLACE FUNCTION public.import_usage(
    p_org_id uuid, p_request_id text, p_items jsonb
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_rows bigint;
BEGIN
    IF p_org_id IS NULL OR p_request_id IS NULL OR p_items IS NULL THEN
        RAISE EXCEPTION 'an organization, a request and rows are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id IN (
        SELECT (i.item ->> 'allocation')::uuid FROM jsonb_array_elements(p_items) AS i (item)
    )
    ORDER BY a.user_id FOR NO KEY UPDATE;
    PERFORM set_config('orgbilling.door', 'open', true);
    INSERT INTO public.credit_usage_attribution (
        id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, request_id,
        metadata, refund_of_id, remaining_credits, operation, idempotency_key, body_hash, actor, created_at
    )
    SELECT i.id, p_org_id, i."user", i.allocation, i.credits, 0, i.type, i.service, coalesce(i.request, p_request_id),
        i.metadata, i.refund_of,
        -- What was left between a charge made twice and its refund may be less than nothing.
        greatest(0, a.remaining_credits - sum(i.credits) OVER (PARTITION BY i.allocation ORDER BY i.number)),
        CASE WHEN i.refund_of IS NULL THEN 'deduct' ELSE 'refund' END, i.key,
        CASE WHEN i.key IS NOT NULL THEN sha256(convert_to(i.id::text, 'UTF8')) END, i.actor, coalesce(i.at, v_now)
    FROM ROWS FROM (
        jsonb_to_recordset(p_items) AS (
            id uuid, allocation uuid, "user" uuid, credits bigint, type text, service text, request text, metadata jsonb,
            refund_of uuid, key text, actor text, at timestamptz
        )
    ) WITH ORDINALITY AS i (
        id, allocation, "user", credits, type, service, request, metadata, refund_of, key, actor, at, number
    )
    JOIN public.user_credit_allocations AS a ON a.org_id = p_org_id AND a.id = i.allocation
    ORDER BY i.number;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    -- The table's trigger has noted them already, but on a cluster, where tables have none.
    INSERT INTO public.credit_usage_late (org_id, created_at, usage_id)
    SELECT p_org_id, coalesce(i.at, v_now), i.id
    FROM jsonb_to_recordset(p_items) AS i (id uuid, at timestamptz)
    WHERE coalesce(i.at, v_now) < clock_timestamp() - interval '2 minutes'
    ON CONFLICT DO NOTHING;
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits - spent.credits,
        used_credits = a.used_credits + spent.credits,
        lifetime_used_credits = a.lifetime_used_credits + spent.credits,
        updated_at = v_now
    FROM (
        SELECT (i.item ->> 'allocation')::uuid AS allocation_id, sum((i.item ->> 'credits')::bigint)::bigint AS credits
        FROM jsonb_array_elements(p_items) AS i (item) GROUP BY 1
    ) AS spent
    WHERE a.org_id = p_org_id AND a.id = spent.allocation_id;
    PERFORM set_config('orgbilling.door', '', true);
    RETURN v_rows;
END
$$;
