-- An invoice stays as it was issued: whether it has been paid is said by its payment.
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- UPDATE and DELETE are refused once a statement, so that even one that finds no row is.
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_invoice_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: an invoice stays as it was issued', tg_op, tg_table_name
        USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER invoices_append_only BEFORE UPDATE OR DELETE ON public.invoices
FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_invoice_change();
CREATE TRIGGER invoices_no_truncate BEFORE TRUNCATE ON public.invoices
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_invoice_change();
