-- Charge a part of a hold, or all that is left of it (p_credits NULL). A final capture settles the hold and gives the
-- rest back; one that isn't leaves it pending for another part. Told as hold.captured.
-- Outcomes: 'captured'; 'replayed' (a request with the same hash settled the hold: its usage row is returned);
-- 'needs_pool' (nothing was changed, and p_with_pool is false: overage, a reset that is due or a former member's rest is
-- concerned). With p_with_pool the pool is locked first and this never comes.
-- Locks: the pool when p_with_pool, then allocation, then hold. Errors: OB001 argument missing, OB002 amount out of range,
-- OB009 the key was taken by another capture meanwhile (nothing was changed), OB014 no pool, OB016 no such hold,
-- OB017 hold not pending (status), OB018 more than the hold has left (requested, left).
CREATE OR REPLACE FUNCTION public.capture_hold(
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
    p_actor text,
    p_with_pool boolean
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
    v_now timestamptz := public.billing_now();
    v_clock timestamptz;
    v_hold public.credit_holds;
    v_allocation public.user_credit_allocations;
    v_left bigint;
    v_own bigint;
BEGIN
    IF p_org_id IS NULL OR p_hold_id IS NULL OR p_usage_id IS NULL OR p_reset_journal_id IS NULL OR p_final IS NULL
        OR p_settle_hash IS NULL OR p_with_pool IS NULL
    THEN
        RAISE EXCEPTION 'an organization, a hold, ids and a hash are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
    END IF;
    SELECT h.* INTO v_hold FROM public.credit_holds AS h WHERE h.org_id = p_org_id AND h.id = p_hold_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no hold %', p_hold_id USING ERRCODE = 'OB016';
    END IF;
    IF p_with_pool THEN
        PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
        END IF;
    END IF;
    SELECT a.* INTO STRICT v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = v_hold.allocation_id FOR NO KEY UPDATE;
    SELECT h.* INTO STRICT v_hold FROM public.credit_holds AS h
    WHERE h.org_id = p_org_id AND h.id = p_hold_id FOR NO KEY UPDATE;
    o_user_id := v_hold.user_id;
    o_allocation_id := v_hold.allocation_id;
    o_hold_credits := v_hold.credits;
    o_service_name := v_hold.service_name;
    o_service_type := v_hold.service_type;
    o_expires_at := v_hold.expires_at;
    o_hold_created_at := v_hold.created_at;

    IF v_hold.status = 'captured' AND p_final AND v_hold.settle_hash = p_settle_hash THEN
        SELECT u.id, u.credits_used, u.overage_credits, u.unit_price, u.quantity, u.price_version, u.request_id,
            u.metadata, u.remaining_credits, u.created_at
        INTO STRICT o_usage_id, o_credits_used, o_overage_credits, o_unit_price, o_quantity, o_price_version,
            o_request_id, o_metadata, o_remaining_credits, o_created_at
        FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.id = v_hold.final_usage_id;
        o_outcome := 'replayed';
        o_captured_credits := v_hold.captured_credits;
        o_status := v_hold.status;
        RETURN NEXT;
        RETURN;
    END IF;
    -- By the clock after the locks and not by the statement's beginning: a request that is repeated may overtake its first,
    -- and what refused the one may not let the other pass.
    v_clock := CASE WHEN v_now = now() THEN clock_timestamp() ELSE v_now END;
    IF v_hold.status <> 'pending' OR v_hold.expires_at <= v_clock THEN
        RAISE EXCEPTION 'hold % is not pending', p_hold_id USING ERRCODE = 'OB017',
            DETAIL = json_build_object(
                'hold_status', CASE WHEN v_hold.status = 'pending' THEN 'expired' ELSE v_hold.status END
            )::text;
    END IF;
    v_left := v_hold.credits - v_hold.captured_credits;
    o_credits_used := coalesce(p_credits, v_left);
    IF o_credits_used > v_left OR (v_left = 0 AND v_hold.credits > 0 AND NOT p_final) THEN
        RAISE EXCEPTION 'hold % has % left', p_hold_id, v_left USING ERRCODE = 'OB018',
            DETAIL = json_build_object('requested', o_credits_used, 'left', v_left)::text;
    END IF;
    IF NOT p_with_pool AND (
        (v_allocation.is_active AND v_allocation.next_reset_date <= v_now)
        OR (p_final AND o_credits_used < v_left AND (v_hold.overage_credits > 0 OR NOT v_allocation.is_active))
    ) THEN
        o_outcome := 'needs_pool';
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_with_pool THEN
        PERFORM public.bring_up_to_date(
            p_org_id, v_hold.user_id, v_hold.allocation_id, p_reset_journal_id, v_now, p_request_id
        );
    END IF;

    -- The hold's own credits first, overage last.
    v_own := v_hold.credits - v_hold.overage_credits;
    o_captured_credits := v_hold.captured_credits + o_credits_used;
    o_overage_credits := greatest(0, o_captured_credits - v_own) - greatest(0, v_hold.captured_credits - v_own);
    o_unit_price := v_hold.unit_price;
    o_price_version := v_hold.price_version;
    o_quantity := CASE
        -- What costs nothing has no parts: the quantity is told once.
        WHEN o_unit_price = 0 AND p_final THEN v_hold.quantity
        WHEN o_unit_price = 0 THEN NULL
        WHEN o_credits_used > 0 AND o_credits_used % o_unit_price = 0 THEN o_credits_used / o_unit_price
    END;
    o_metadata := v_hold.metadata || coalesce(p_metadata, '{}'::jsonb);
    o_status := CASE WHEN p_final THEN 'captured' ELSE 'pending' END;
    PERFORM set_config('orgbilling.door', 'open', true);
    -- The row tells what can be spent once the rest of the hold is back. Who began before a reset and waited past it is
    -- counted in the new period, and the row says so too.
    IF p_final AND NOT p_with_pool THEN
        -- Nothing of the rest is the pool's: it goes back in the statements that charge, where settle_hold would write
        -- both rows a second time.
        UPDATE public.credit_holds AS h
        SET captured_credits = o_captured_credits,
            released_credits = v_left - o_credits_used,
            status = o_status,
            final_usage_id = p_usage_id,
            settle_hash = p_settle_hash,
            settled_at = v_now,
            updated_at = v_now
        WHERE h.org_id = p_org_id AND h.id = p_hold_id;
        UPDATE public.user_credit_allocations AS a
        SET held_credits = a.held_credits - v_left,
            remaining_credits = a.remaining_credits + v_left - o_credits_used,
            used_credits = a.used_credits + o_credits_used,
            lifetime_used_credits = a.lifetime_used_credits + o_credits_used,
            updated_at = v_now
        WHERE a.org_id = p_org_id AND a.id = v_hold.allocation_id
        RETURNING a.remaining_credits, greatest(v_now, a.last_reset_date)
        INTO STRICT o_remaining_credits, o_created_at;
    ELSE
        UPDATE public.credit_holds AS h
        SET captured_credits = o_captured_credits, updated_at = v_now
        WHERE h.org_id = p_org_id AND h.id = p_hold_id;
        UPDATE public.user_credit_allocations AS a
        SET held_credits = a.held_credits - o_credits_used,
            used_credits = a.used_credits + o_credits_used,
            lifetime_used_credits = a.lifetime_used_credits + o_credits_used,
            updated_at = v_now
        WHERE a.org_id = p_org_id AND a.id = v_hold.allocation_id;
        IF p_final THEN
            PERFORM public.settle_hold(
                p_org_id, p_hold_id, 'captured', p_usage_id, p_settle_hash, v_now, p_actor, p_request_id
            );
        END IF;
        SELECT a.remaining_credits, greatest(v_now, a.last_reset_date) INTO STRICT o_remaining_credits, o_created_at
        FROM public.user_credit_allocations AS a
        WHERE a.org_id = p_org_id AND a.id = v_hold.allocation_id;
        PERFORM set_config('orgbilling.door', 'open', true);
    END IF;
    INSERT INTO public.credit_usage_attribution (
        id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
        quantity, price_version, request_id, metadata, hold_id, remaining_credits, operation, idempotency_key,
        body_hash, actor, created_at
    ) VALUES (
        p_usage_id, p_org_id, v_hold.user_id, v_hold.allocation_id, o_credits_used, o_overage_credits,
        v_hold.service_type, v_hold.service_name, o_unit_price, o_quantity, o_price_version, p_request_id, o_metadata,
        p_hold_id, o_remaining_credits, 'capture', p_idempotency_key, p_body_hash, p_actor, o_created_at
    )
    ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    PERFORM public.record_event(
        p_org_id, 'hold.captured',
        jsonb_build_object(
            'org_id', p_org_id, 'hold_id', p_hold_id, 'user_id', v_hold.user_id,
            'allocation_id', v_hold.allocation_id, 'service_name', v_hold.service_name,
            'hold_credits', v_hold.credits, 'captured_credits', o_captured_credits, 'usage_id', p_usage_id,
            'credits', o_credits_used, 'overage_credits', o_overage_credits, 'is_final', p_final,
            'released_credits', CASE WHEN p_final THEN v_hold.credits - o_captured_credits ELSE 0 END,
            'remaining_credits', o_remaining_credits, 'actor', p_actor, 'request_id', p_request_id
        ),
        v_now
    );
    o_outcome := 'captured';
    o_usage_id := p_usage_id;
    o_request_id := p_request_id;
    RETURN NEXT;
END
$$;
