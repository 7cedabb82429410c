-- Tell of something that happened, in the transaction that causes it: the event, and a delivery to each enabled endpoint
-- that wants it, by its name or by '*', which stands for all but credits.refused. Where none wants it nothing is written.
-- p_data has the organization's id under org_id; p_moment NULL is now.
-- Returns the event's id, or NULL when no endpoint wants it.
-- Locks: none. Errors: OB001 argument missing.
CREATE OR REPLACE FUNCTION public.record_event(
    p_org_id uuid, p_type text, p_data jsonb, p_moment timestamptz
) RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    v_endpoints uuid[];
    v_event_id uuid;
    v_moment timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_type IS NULL OR p_data IS NULL THEN
        RAISE EXCEPTION 'an organization, a type and data are needed' USING ERRCODE = 'OB001';
    END IF;
    -- Read once: of one disabled meanwhile the delivery is discarded, and the event has it to be purged with.
    SELECT array_agg(e.id) INTO v_endpoints
    FROM public.webhook_endpoints AS e
    WHERE e.org_id = p_org_id AND e.status = 'enabled'
        AND (p_type = ANY (e.events) OR ('*' = ANY (e.events) AND p_type <> 'credits.refused'));
    IF v_endpoints IS NULL THEN
        RETURN NULL;
    END IF;
    v_event_id := public.time_ordered_id();
    v_moment := coalesce(p_moment, public.billing_now());
    INSERT INTO public.webhook_events (id, org_id, type, data, created_at)
    VALUES (v_event_id, p_org_id, p_type, p_data, v_moment);
    INSERT INTO public.webhook_deliveries (
        id, org_id, event_id, endpoint_id, status, attempts, step, next_attempt_at, last_error, created_at
    )
    SELECT public.time_ordered_id(), p_org_id, v_event_id, w.id, 'pending', 0, 0, v_moment, '', v_moment
    FROM unnest(v_endpoints) AS w (id);
    RETURN v_event_id;
END
$$;
