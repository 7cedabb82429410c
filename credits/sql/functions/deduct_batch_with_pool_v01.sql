-- Charge many items of one organization in the order sent, each as it would have been charged alone: with the pool and
-- all the allocations locked first. Same p_items as deduct_batch.
-- Returns a row an item, by o_index from 0. Outcomes: those of deduct_credits_with_pool, and the SQLSTATE of what refused
-- an item, with the error's detail in o_detail; such an item has changed nothing.
-- Locks: pool, then allocations by user, then expired holds. Errors: OB001 argument missing, OB004 no organization, OB014
-- no pool.
CREATE OR REPLACE FUNCTION public.deduct_batch_with_pool(p_org_id uuid, p_items jsonb, p_actor text)
RETURNS TABLE (
    o_index integer,
    o_outcome text,
    o_detail text,
    o_usage_id uuid,
    o_allocation_id uuid,
    o_credits_used bigint,
    o_overage_credits bigint,
    o_unit_price bigint,
    o_price_version integer,
    o_request_id text,
    o_remaining_credits bigint,
    o_created_at timestamptz
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_item jsonb;
    v_key text;
    v_refused jsonb := '{}'::jsonb;
    v_charged record;
    v_detail text;
BEGIN
    IF p_org_id IS NULL OR p_items IS NULL THEN
        RAISE EXCEPTION 'an organization and items are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM 1 FROM public.organizations AS o WHERE o.id = p_org_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no organization %', p_org_id USING ERRCODE = 'OB004';
        END IF;
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    PERFORM 1 FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id
        AND a.user_id IN (SELECT (item.value ->> 'user_id')::uuid FROM jsonb_array_elements(p_items) AS item)
    ORDER BY a.user_id
    FOR NO KEY UPDATE;

    o_index := -1;
    FOR v_item IN SELECT item.value FROM jsonb_array_elements(p_items) AS item LOOP
        o_index := o_index + 1;
        o_detail := NULL;
        v_key := v_item ->> 'key';
        IF v_key IS NOT NULL AND v_refused ? v_key THEN
            -- Refused a moment ago in this batch: its answer is stored when the batch is.
            o_outcome := CASE
                WHEN v_refused ->> v_key = v_item ->> 'hash' THEN 'refused_before' ELSE 'key_reused'
            END;
            RETURN NEXT;
            CONTINUE;
        END IF;
        BEGIN
            SELECT charged.* INTO STRICT v_charged
            FROM public.deduct_credits_with_pool(
                p_org_id, (v_item ->> 'user_id')::uuid, (v_item ->> 'usage_id')::uuid, public.time_ordered_id(),
                (v_item ->> 'credits')::bigint, (v_item ->> 'quantity')::bigint, v_item ->> 'service_name',
                v_item ->> 'service_type', v_item ->> 'request_id', v_item -> 'metadata', v_key,
                decode(v_item ->> 'hash', 'hex'), p_actor
            ) AS charged;
            o_outcome := v_charged.o_outcome;
            o_usage_id := v_charged.o_usage_id;
            o_allocation_id := v_charged.o_allocation_id;
            o_credits_used := v_charged.o_credits_used;
            o_overage_credits := v_charged.o_overage_credits;
            o_unit_price := v_charged.o_unit_price;
            o_price_version := v_charged.o_price_version;
            o_request_id := v_charged.o_request_id;
            o_remaining_credits := v_charged.o_remaining_credits;
            o_created_at := v_charged.o_created_at;
            IF o_outcome = 'insufficient_credits' AND v_key IS NOT NULL THEN
                v_refused := v_refused || jsonb_build_object(v_key, v_item ->> 'hash');
            END IF;
        EXCEPTION WHEN OTHERS THEN
            -- A refusal of ours is this item's alone; anything else ends the batch.
            IF sqlstate NOT LIKE 'OB0%' OR sqlstate IN ('OB001', 'OB009') THEN
                RAISE;
            END IF;
            GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
            o_outcome := sqlstate;
            o_detail := nullif(v_detail, '');
            o_usage_id := NULL;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
