-- A usage row of a moment that reports may have summed up by now (an import, a transaction that took long before it wrote)
-- is noted beside it, in its transaction: readers count it, and roll_up_usage adds it. The ordinary charge is of this
-- moment and pays for one comparison.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.note_late_usage() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO public.credit_usage_late (org_id, created_at, usage_id) VALUES (NEW.org_id, NEW.created_at, NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER usage_late AFTER INSERT ON public.credit_usage_attribution
FOR EACH ROW WHEN (NEW.created_at < clock_timestamp() - interval '2 minutes')
EXECUTE FUNCTION public.note_late_usage();
