-- Tell of a refusal as credits.refused, each of them, and count it: one row a day (UTC), person, reason and service. An organization keeps at most 500 rows a day apart;
-- what comes beyond them is counted together under the nil id and the service '*'.
-- Locks: the refusal's row. Errors: OB001 argument missing.
CREATE OR REPLACE FUNCTION public.record_refusal(
    p_org_id uuid,
    p_id uuid,
    p_user_id uuid,
    p_service_name text,
    p_code text,
    p_refused_by text,
    p_requested bigint,
    p_remaining bigint,
    p_request_id text,
    p_actor text
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_day date := (v_now AT TIME ZONE 'UTC')::date;
    v_user_id uuid := p_user_id;
    v_service_name text := p_service_name;
    v_rows bigint;
BEGIN
    IF p_org_id IS NULL OR p_id IS NULL OR p_user_id IS NULL OR p_service_name IS NULL OR p_code IS NULL THEN
        RAISE EXCEPTION 'an organization, an id, a user, a service and a code are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.credit_refusals AS r
    WHERE r.org_id = p_org_id AND r.day = v_day AND r.user_id = p_user_id AND r.code = p_code
        AND r.service_name = p_service_name;
    IF NOT FOUND THEN
        SELECT count(*) INTO v_rows FROM (
            SELECT 1 FROM public.credit_refusals AS r WHERE r.org_id = p_org_id AND r.day = v_day LIMIT 500
        ) AS today;
        IF v_rows >= 500 THEN
            v_user_id := '00000000-0000-0000-0000-000000000000';
            v_service_name := '*';
        END IF;
    END IF;
    INSERT INTO public.credit_refusals AS refusal (
        id, org_id, day, user_id, service_name, code, refused_by, count, requested_credits, remaining_credits,
        request_id, actor, first_at, last_at
    ) VALUES (
        p_id, p_org_id, v_day, v_user_id, v_service_name, p_code, p_refused_by, 1, p_requested, p_remaining,
        p_request_id, p_actor, v_now, v_now
    )
    ON CONFLICT (org_id, day, user_id, code, service_name) DO UPDATE
    SET count = refusal.count + 1,
        refused_by = excluded.refused_by,
        requested_credits = excluded.requested_credits,
        remaining_credits = excluded.remaining_credits,
        request_id = excluded.request_id,
        actor = excluded.actor,
        last_at = excluded.last_at;
    PERFORM public.record_event(
        p_org_id, 'credits.refused',
        jsonb_build_object(
            'org_id', p_org_id, 'user_id', p_user_id, 'service_name', p_service_name, 'code', p_code,
            'refused_by', p_refused_by, 'requested_credits', p_requested, 'remaining_credits', p_remaining,
            'actor', p_actor, 'request_id', p_request_id
        ),
        v_now
    );
END
$$;
