-- The billing history is only added to: a correction is a new row.
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- UPDATE and DELETE are refused once a statement, so that even one that finds no row is.
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_billing_history_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history is only added to', tg_op, tg_table_name USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER billing_history_append_only BEFORE UPDATE OR DELETE ON public.org_billing_history
FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_billing_history_change();
CREATE TRIGGER billing_history_no_truncate BEFORE TRUNCATE ON public.org_billing_history
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_billing_history_change();
