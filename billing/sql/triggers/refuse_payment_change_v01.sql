-- A payment's status moves on; what it is for and how much it is never changes, and it is never deleted.
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_payment_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: only the status of a payment changes', tg_op, tg_table_name
        USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER payments_amount_stays BEFORE UPDATE OF id, org_id, event_id, amount, currency ON public.payments
FOR EACH ROW WHEN (
    (new.id, new.org_id, new.event_id, new.amount, new.currency)
    IS DISTINCT FROM (old.id, old.org_id, old.event_id, old.amount, old.currency)
)
EXECUTE FUNCTION public.refuse_payment_change();
CREATE TRIGGER payments_stay BEFORE DELETE ON public.payments
FOR EACH ROW EXECUTE FUNCTION public.refuse_payment_change();
CREATE TRIGGER payments_no_truncate BEFORE TRUNCATE ON public.payments
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_payment_change();
