-- Throw away what is summed up of an organization's usage, so that it is summed up again from its rows. From the same
-- commit on reports read the rows. Notes of late rows stay: they are taken with the others.
-- Locks: the organization's rollup. Errors: OB001 argument missing.
CREATE OR REPLACE FUNCTION public.forget_usage_rollup(p_org_id uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF p_org_id IS NULL THEN
        RAISE EXCEPTION 'an organization is needed' USING ERRCODE = 'OB001';
    END IF;
    -- What was found to be safe stays so: that is about the rows.
    UPDATE public.credit_usage_rollups AS rollup SET rolled_until = NULL WHERE rollup.org_id = p_org_id;
    DELETE FROM public.credit_usage_by_service AS cell WHERE cell.org_id = p_org_id;
    DELETE FROM public.credit_usage_by_user AS cell WHERE cell.org_id = p_org_id;
END
$$;
