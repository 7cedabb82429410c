-- Journal and usage rows are never updated or deleted; a correction is a new row.
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_history_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history is only added to', tg_op, tg_table_name USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON public.credit_journal
FOR EACH ROW EXECUTE FUNCTION public.refuse_history_change();
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON public.credit_journal
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_history_change();

CREATE TRIGGER usage_append_only BEFORE UPDATE OR DELETE ON public.credit_usage_attribution
FOR EACH ROW EXECUTE FUNCTION public.refuse_history_change();
CREATE TRIGGER usage_no_truncate BEFORE TRUNCATE ON public.credit_usage_attribution
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_history_change();
