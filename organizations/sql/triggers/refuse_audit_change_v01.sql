-- The audit log is only added to.
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- UPDATE and DELETE are refused once a statement, so that even one that finds no row is.
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history is only added to', tg_op, tg_table_name USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON public.audit_log
FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_audit_change();
