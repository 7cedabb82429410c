-- Return to the pool what somebody has left who is no member, or whose allocation is switched off, in an organization that
-- comes from another system.
-- Only `manage.py import_opscenter` calls this, as the tables' owner.
-- Locks: pool, then allocation. Errors: OB001 argument missing, OB014 no pool.
CREATE OR REPLACE FUNCTION public.import_departure(
    p_org_id uuid, p_allocation_id uuid, p_journal_id uuid, p_actor text, p_request_id text, p_notes text
) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    v_now timestamptz := public.billing_now();
    v_remaining bigint;
BEGIN
    IF p_org_id IS NULL OR p_allocation_id IS NULL OR p_journal_id IS NULL THEN
        RAISE EXCEPTION 'an organization, an allocation and a journal id are needed' USING ERRCODE = 'OB001';
    END IF;
    PERFORM 1 FROM public.organization_credit_pools AS pool WHERE pool.org_id = p_org_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % has no pool', p_org_id USING ERRCODE = 'OB014';
    END IF;
    SELECT a.remaining_credits INTO v_remaining FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.id = p_allocation_id AND NOT a.is_active FOR NO KEY UPDATE;
    IF v_remaining > 0 THEN
        PERFORM public.move_remaining_to_pool(
            p_org_id, p_allocation_id, p_journal_id, v_remaining, p_notes, v_now, p_actor, p_request_id, NULL, NULL
        );
    END IF;
    RETURN coalesce(v_remaining, 0);
END
$$;
