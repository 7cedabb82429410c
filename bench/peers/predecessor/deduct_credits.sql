-- Locks the allocation, then writes it, the pool and the usage row. A refusal is an exception.
CREATE FUNCTION predecessor.deduct_credits(
    p_org_id varchar,
    p_user_id varchar,
    p_credits bigint,
    p_service_type varchar,
    p_service_name varchar,
    p_api_cost numeric,
    p_request_id varchar,
    p_metadata jsonb
) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    v_allocation_id uuid;
    v_remaining bigint;
BEGIN
    SELECT id, remaining_credits INTO v_allocation_id, v_remaining
    FROM predecessor.user_credit_allocations
    WHERE org_id = p_org_id AND user_id = p_user_id AND is_active
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'No credit allocation found for user % in organization %', p_user_id, p_org_id;
    END IF;
    IF v_remaining < p_credits THEN
        RAISE EXCEPTION 'Insufficient credits: required %, available %', p_credits, v_remaining;
    END IF;

    UPDATE predecessor.user_credit_allocations
    SET used_credits = used_credits + p_credits, updated_at = now()
    WHERE id = v_allocation_id;

    UPDATE predecessor.organization_credit_pools
    SET used_credits = used_credits + p_credits, updated_at = now()
    WHERE org_id = p_org_id;

    INSERT INTO predecessor.credit_usage_attribution (
        org_id, user_id, allocation_id, credits_used, service_type, service_name, api_cost, markup_applied, total_cost,
        request_id, request_metadata
    ) VALUES (
        p_org_id, p_user_id, v_allocation_id, p_credits, p_service_type, p_service_name, p_api_cost, p_api_cost * 0.5,
        p_api_cost * 1.5, p_request_id, p_metadata
    );
    RETURN true;
END
$$;
