-- Give back what a usage row charged, in one round trip, and once for an idempotency key when there is one: the refund's
-- own row, which has the key, is the answer to whoever repeats the request.
-- Outcomes: 'refunded' and 'answered' (this key made the refund before, with the same body), both with the refund's row;
-- 'key_reused' (with another body); 'needs_pool' (nothing was changed, and p_with_pool is false: see refund_usage).
-- Locks: the pool when p_with_pool, then allocation; none where the key was used before. Errors: OB001 argument missing,
-- OB002 amount out of range, OB009 the key was taken by another refund meanwhile (nothing was changed: a second call knows
-- the answer), OB014 no pool, OB019 no such usage, OB022 more than is left to refund (requested, refundable), OB023
-- somebody else charged.
CREATE OR REPLACE FUNCTION public.refund_usage_once(
    p_org_id uuid,
    p_usage_id uuid,
    p_refund_id uuid,
    p_journal_id uuid,
    p_reset_journal_id uuid,
    p_credits bigint,
    p_metadata jsonb,
    p_own_actor text,
    p_request_id text,
    p_idempotency_key text,
    p_body_hash bytea,
    p_actor text,
    p_with_pool boolean
) RETURNS TABLE (
    o_outcome text,
    o_refund_id uuid,
    o_user_id uuid,
    o_allocation_id uuid,
    o_credits_used bigint,
    o_overage_credits bigint,
    o_service_type text,
    o_service_name text,
    o_unit_price bigint,
    o_price_version integer,
    o_request_id text,
    o_metadata jsonb,
    o_remaining_credits bigint,
    o_created_at timestamptz
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_hash bytea;
BEGIN
    IF p_org_id IS NULL OR (p_idempotency_key IS NOT NULL AND p_body_hash IS NULL) THEN
        RAISE EXCEPTION 'an organization is needed, and with a key the hash of its request' USING ERRCODE = 'OB001';
    END IF;
    SELECT u.id, u.body_hash INTO o_refund_id, v_hash FROM public.credit_usage_attribution AS u
    WHERE u.org_id = p_org_id AND u.operation = 'refund' AND u.idempotency_key = p_idempotency_key;
    IF FOUND THEN
        o_outcome := CASE WHEN v_hash = p_body_hash THEN 'answered' ELSE 'key_reused' END;
    ELSE
        o_outcome := public.refund_usage(
            p_org_id, p_usage_id, p_refund_id, p_journal_id, p_reset_journal_id, p_credits, p_metadata, p_own_actor,
            p_request_id, p_idempotency_key, p_body_hash, p_actor, p_with_pool
        );
        o_refund_id := p_refund_id;
    END IF;
    IF o_outcome IN ('refunded', 'answered') THEN
        SELECT u.user_id, u.allocation_id, u.credits_used, u.overage_credits, u.service_type, u.service_name,
            u.unit_price, u.price_version, u.request_id, u.metadata, u.remaining_credits, u.created_at
        INTO STRICT o_user_id, o_allocation_id, o_credits_used, o_overage_credits, o_service_type, o_service_name,
            o_unit_price, o_price_version, o_request_id, o_metadata, o_remaining_credits, o_created_at
        FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.id = o_refund_id;
    END IF;
    RETURN NEXT;
END
$$;
