-- A row that says that credits moved is written by the function that moved them, and by nobody else: usage, journal, holds
-- and closed overage periods are inserted only while a ledger function holds the door open (see refuse_balance_change).
-- Locks: none. Errors: OB021.
CREATE OR REPLACE FUNCTION public.refuse_loose_row() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'INSERT into % outside the ledger functions is refused', tg_table_name USING ERRCODE = 'OB021';
END
$$;

CREATE TRIGGER usage_door BEFORE INSERT ON public.credit_usage_attribution
FOR EACH ROW WHEN (current_setting('orgbilling.door', true) IS DISTINCT FROM 'open')
EXECUTE FUNCTION public.refuse_loose_row();
CREATE TRIGGER journal_door BEFORE INSERT ON public.credit_journal
FOR EACH ROW WHEN (current_setting('orgbilling.door', true) IS DISTINCT FROM 'open')
EXECUTE FUNCTION public.refuse_loose_row();
CREATE TRIGGER hold_door BEFORE INSERT ON public.credit_holds
FOR EACH ROW WHEN (current_setting('orgbilling.door', true) IS DISTINCT FROM 'open')
EXECUTE FUNCTION public.refuse_loose_row();
CREATE TRIGGER overage_door BEFORE INSERT ON public.overage_periods
FOR EACH ROW WHEN (current_setting('orgbilling.door', true) IS DISTINCT FROM 'open')
EXECUTE FUNCTION public.refuse_loose_row();
