-- Whether a charge of p_credits would pass now, what time has brought included; writes nothing.
-- Locks: none. Errors: OB001 argument missing, OB002 amount out of range.
CREATE OR REPLACE FUNCTION public.has_sufficient_credits(p_org_id uuid, p_user_id uuid, p_credits bigint)
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF p_org_id IS NULL OR p_user_id IS NULL THEN
        RAISE EXCEPTION 'an organization and a user are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_credits IS NULL OR p_credits < 1 OR p_credits > 1000000000000000 THEN
        RAISE EXCEPTION 'credits % out of range', p_credits USING ERRCODE = 'OB002';
    END IF;
    -- An active allocation is a member's, and hangs on a pool: with one, nothing that follows raises.
    PERFORM 1 FROM public.user_credit_allocations AS a
    WHERE a.org_id = p_org_id AND a.user_id = p_user_id AND a.is_active;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    RETURN (
        SELECT verdict.o_refused_by IS NULL
        FROM public.evaluate_charge(p_org_id, p_user_id, p_credits, NULL, NULL) AS verdict
    );
END
$$;
