-- Charge a hold for the last time under an idempotency key, in one round trip: the usage row, which has the key, is the
-- answer to whoever repeats the request.
-- Outcomes: 'captured'; 'answered' (this key made the final capture before, with the same body: what it was answered
-- then); 'key_reused' (with another body); 'needs_claim' (nothing was changed: its answer can't be told from the rows, or
-- needs the pool. The caller claims the key in idempotency_answers and calls capture_hold).
-- Locks: allocation, then hold; none where the key was used before. Errors: OB001 argument missing, OB002 amount out of
-- range, OB009 the key was taken by another capture meanwhile (nothing was changed: a second call knows the answer),
-- OB016 no such hold, OB017 hold not pending (status), OB018 more than the hold has left (requested, left).
CREATE OR REPLACE FUNCTION public.capture_hold_once(
    p_org_id uuid,
    p_hold_id uuid,
    p_usage_id uuid,
    p_reset_journal_id uuid,
    p_credits bigint,
    p_final boolean,
    p_metadata jsonb,
    p_settle_hash bytea,
    p_request_id text,
    p_idempotency_key text,
    p_body_hash bytea,
    p_actor text
) RETURNS TABLE (
    o_outcome text,
    o_user_id uuid,
    o_allocation_id uuid,
    o_hold_credits bigint,
    o_captured_credits bigint,
    o_status text,
    o_service_name text,
    o_expires_at timestamptz,
    o_hold_created_at timestamptz,
    o_usage_id uuid,
    o_credits_used bigint,
    o_overage_credits bigint,
    o_service_type text,
    o_unit_price bigint,
    o_quantity bigint,
    o_price_version integer,
    o_request_id text,
    o_metadata jsonb,
    o_remaining_credits bigint,
    o_created_at timestamptz
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_hold_id uuid;
    v_hash bytea;
    v_final_usage_id uuid;
BEGIN
    IF p_org_id IS NULL OR p_final IS NULL OR p_idempotency_key IS NULL OR p_body_hash IS NULL THEN
        RAISE EXCEPTION 'an organization, a key and the hash of its request are needed' USING ERRCODE = 'OB001';
    END IF;
    SELECT u.id, u.hold_id, u.credits_used, u.overage_credits, u.service_type, u.unit_price, u.quantity, u.price_version,
        u.request_id, u.metadata, u.remaining_credits, u.created_at, u.body_hash
    INTO o_usage_id, v_hold_id, o_credits_used, o_overage_credits, o_service_type, o_unit_price, o_quantity,
        o_price_version, o_request_id, o_metadata, o_remaining_credits, o_created_at, v_hash
    FROM public.credit_usage_attribution AS u
    WHERE u.org_id = p_org_id AND u.operation = 'capture' AND u.idempotency_key = p_idempotency_key;
    IF FOUND THEN
        SELECT h.user_id, h.allocation_id, h.credits, h.captured_credits, h.status, h.service_name, h.expires_at,
            h.created_at, h.final_usage_id
        INTO STRICT o_user_id, o_allocation_id, o_hold_credits, o_captured_credits, o_status, o_service_name,
            o_expires_at, o_hold_created_at, v_final_usage_id
        FROM public.credit_holds AS h
        WHERE h.org_id = p_org_id AND h.id = v_hold_id;
        o_outcome := CASE
            WHEN v_hash <> p_body_hash THEN 'key_reused'
            -- How much of the hold a part had captured in all is told by its stored answer alone.
            WHEN v_final_usage_id IS DISTINCT FROM o_usage_id THEN 'needs_claim'
            ELSE 'answered'
        END;
        RETURN NEXT;
        RETURN;
    END IF;
    PERFORM 1 FROM public.idempotency_answers AS answer
    WHERE answer.org_id = p_org_id AND answer.operation = 'capture' AND answer.key = p_idempotency_key;
    IF FOUND OR NOT p_final THEN
        o_outcome := 'needs_claim';
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT captured.*
    INTO o_outcome, o_user_id, o_allocation_id, o_hold_credits, o_captured_credits, o_status, o_service_name,
        o_expires_at, o_hold_created_at, o_usage_id, o_credits_used, o_overage_credits, o_service_type, o_unit_price,
        o_quantity, o_price_version, o_request_id, o_metadata, o_remaining_credits, o_created_at
    FROM public.capture_hold(
        p_org_id, p_hold_id, p_usage_id, p_reset_journal_id, p_credits, p_final, p_metadata, p_settle_hash, p_request_id,
        p_idempotency_key, p_body_hash, p_actor, false
    ) AS captured;
    IF o_outcome = 'replayed' THEN
        -- Somebody settled the hold meanwhile, or long ago: under this key, or under another one or none.
        SELECT u.body_hash INTO v_hash FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.id = o_usage_id AND u.idempotency_key = p_idempotency_key;
        o_outcome := CASE
            WHEN NOT FOUND THEN 'needs_claim'
            WHEN v_hash = p_body_hash THEN 'answered'
            ELSE 'key_reused'
        END;
    ELSIF o_outcome = 'needs_pool' THEN
        o_outcome := 'needs_claim';
    END IF;
    RETURN NEXT;
END
$$;
