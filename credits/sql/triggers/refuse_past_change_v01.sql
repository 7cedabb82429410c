-- Closed overage periods and versions of prices are history: a period was billed by its row, a usage row names the version
-- that it was priced by. A new price is a new version.
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_past_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history is only added to', tg_op, tg_table_name USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER overage_append_only BEFORE UPDATE OR DELETE ON public.overage_periods
FOR EACH ROW EXECUTE FUNCTION public.refuse_past_change();
CREATE TRIGGER overage_no_truncate BEFORE TRUNCATE ON public.overage_periods
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_past_change();
CREATE TRIGGER price_append_only BEFORE UPDATE OR DELETE ON public.service_prices
FOR EACH ROW EXECUTE FUNCTION public.refuse_past_change();
CREATE TRIGGER price_no_truncate BEFORE TRUNCATE ON public.service_prices
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_past_change();
