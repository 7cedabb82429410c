-- Give back what a usage row charged, or a part of it (p_credits NULL: all that was not refunded yet), as a new row with
-- negative credits. This period's overage goes back first, the rest to the allocation; a former member's goes on to the
-- pool. p_own_actor, when given, has to be who charged. Told as credits.refunded.
-- Outcomes: 'refunded'; 'needs_pool' (nothing was changed, and p_with_pool is false: overage, a reset that is due or a
-- former member is concerned). With p_with_pool the pool is locked first and this never comes.
-- Locks: the pool when p_with_pool, then allocation. Errors: OB001 argument missing, OB002 amount out of range, OB009 the
-- key was taken by another refund meanwhile (nothing was changed), OB014 no pool, OB019 no such usage, OB022 more than is
-- left to refund (requested, refundable), OB023 somebody else charged.
CREATE OR REPLACE FUNCTION public.refund_usage(
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
) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_usage public.credit_usage_attribution;
    v_allocation public.user_credit_allocations;
    v_pool public.organization_credit_pools;
    v_left bigint;
    v_overage_left bigint;
    v_overage bigint := 0;
    v_drawn_at timestamptz;
    v_credits bigint;
    v_remaining bigint;
BEGIN
    IF p_org_id IS NULL OR p_usage_id IS NULL OR p_refund_id IS NULL OR p_journal_id IS NULL
        OR p_reset_journal_id IS NULL OR p_with_pool IS NULL
    THEN
        RAISE EXCEPTION 'an organization, a usage and ids are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
    END IF;
    SELECT u.* INTO v_usage FROM public.credit_usage_attribution AS u WHERE u.org_id = p_org_id AND u.id = p_usage_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no usage %', p_usage_id USING ERRCODE = 'OB019';
    END IF;
    IF v_usage.actor <> p_own_actor THEN
        RAISE EXCEPTION '% charged this', v_usage.actor USING ERRCODE = 'OB023';
    END IF;
    IF p_with_pool THEN
        PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
        END IF;
    END IF;
    SELECT a.* INTO STRICT v_allocation FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = v_usage.allocation_id FOR NO KEY UPDATE;

    SELECT greatest(0, v_usage.credits_used) + coalesce(sum(r.credits_used), 0),
        greatest(0, v_usage.overage_credits) + coalesce(sum(r.overage_credits), 0)
    INTO v_left, v_overage_left
    FROM public.credit_usage_attribution AS r
    WHERE r.org_id = p_org_id AND r.refund_of_id = p_usage_id;
    v_credits := coalesce(p_credits, v_left);
    IF v_credits > v_left OR v_left = 0 THEN
        RAISE EXCEPTION 'usage % has % left to refund', p_usage_id, v_left USING ERRCODE = 'OB022',
            DETAIL = json_build_object('requested', v_credits, 'refundable', v_left)::text;
    END IF;
    IF NOT p_with_pool AND (
        v_allocation.next_reset_date <= v_now OR NOT v_allocation.is_active OR v_overage_left > 0
    ) THEN
        RETURN 'needs_pool';
    END IF;
    IF p_with_pool THEN
        PERFORM public.bring_up_to_date(
            p_org_id, v_usage.user_id, v_usage.allocation_id, p_reset_journal_id, v_now, p_request_id
        );
        SELECT pool.* INTO STRICT v_pool FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id;
        -- A part of a hold was drawn when the hold was made.
        SELECT coalesce(min(h.created_at), v_usage.created_at) INTO v_drawn_at FROM public.credit_holds AS h
        WHERE h.org_id = p_org_id AND h.id = v_usage.hold_id;
        IF v_pool.overage_period_start IS NULL OR v_drawn_at >= v_pool.overage_period_start THEN
            v_overage := least(v_credits, v_overage_left, v_pool.overage_used_period);
        END IF;
    END IF;

    PERFORM set_config('orgbilling.door', 'open', true);
    UPDATE public.user_credit_allocations AS a
    SET remaining_credits = a.remaining_credits + v_credits - v_overage,
        lifetime_used_credits = a.lifetime_used_credits - v_credits,
        -- What an earlier period used is closed; only this one's counter falls.
        used_credits = a.used_credits
            - CASE WHEN v_usage.created_at >= coalesce(a.last_reset_date, v_usage.created_at) THEN v_credits ELSE 0 END,
        updated_at = v_now
    WHERE a.org_id = p_org_id AND a.id = v_usage.allocation_id
    RETURNING a.* INTO STRICT v_allocation;
    v_remaining := CASE WHEN v_allocation.is_active THEN v_allocation.remaining_credits ELSE 0 END;
    UPDATE public.organization_credit_pools AS pool
    SET overage_used = pool.overage_used - v_overage,
        overage_used_period = pool.overage_used_period - v_overage,
        updated_at = v_now
    WHERE pool.org_id = p_org_id AND v_overage > 0;
    INSERT INTO public.credit_usage_attribution (
        id, org_id, user_id, allocation_id, credits_used, overage_credits, service_type, service_name, unit_price,
        price_version, request_id, metadata, refund_of_id, remaining_credits, operation, idempotency_key, body_hash,
        actor, created_at
    ) VALUES (
        p_refund_id, p_org_id, v_usage.user_id, v_usage.allocation_id, -v_credits, -v_overage, v_usage.service_type,
        v_usage.service_name, v_usage.unit_price, v_usage.price_version, p_request_id, p_metadata, p_usage_id,
        v_remaining, 'refund', p_idempotency_key, p_body_hash, p_actor, greatest(v_now, v_allocation.last_reset_date)
    )
    ON CONFLICT (org_id, operation, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'key claimed meanwhile' USING ERRCODE = 'OB009';
    END IF;
    PERFORM set_config('orgbilling.door', '', true);
    IF NOT v_allocation.is_active AND v_credits > v_overage THEN
        PERFORM public.move_remaining_to_pool(
            p_org_id, v_allocation.id, p_journal_id, v_credits - v_overage, 'Refunded after the member left', v_now,
            p_actor, p_request_id, NULL, NULL
        );
    END IF;
    PERFORM public.record_event(
        p_org_id, 'credits.refunded',
        jsonb_build_object(
            'org_id', p_org_id, 'usage_id', p_refund_id, 'refund_of', p_usage_id, 'user_id', v_usage.user_id,
            'allocation_id', v_usage.allocation_id, 'service_name', v_usage.service_name, 'credits', v_credits,
            'overage_credits', v_overage, 'remaining_credits', v_remaining, 'actor', p_actor,
            'request_id', p_request_id
        ),
        v_now
    );
    RETURN 'refunded';
END
$$;
