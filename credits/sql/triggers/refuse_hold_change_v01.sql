-- What a hold reserves, for whom and until when never changes; a settled hold is never opened again and never deleted;
-- and only the ledger's functions, which hold the door open, settle one (see refuse_balance_change).
-- TRUNCATE is refused too, unless the session has said orgbilling.truncate = 'allowed' (the test suite between tests).
-- Locks: none. Errors: OB020.
CREATE OR REPLACE FUNCTION public.refuse_hold_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of a hold is refused: it is settled once, by the ledger functions', tg_op
        USING ERRCODE = 'OB020';
END
$$;

CREATE TRIGGER hold_settles_once BEFORE UPDATE ON public.credit_holds
FOR EACH ROW WHEN (
    old.status <> 'pending'
    OR current_setting('orgbilling.door', true) IS DISTINCT FROM 'open'
    OR new.captured_credits < old.captured_credits
    OR (
        new.id, new.org_id, new.user_id, new.allocation_id, new.credits, new.overage_credits, new.service_name,
        new.idempotency_key, new.actor, new.expires_at, new.created_at
    ) IS DISTINCT FROM (
        old.id, old.org_id, old.user_id, old.allocation_id, old.credits, old.overage_credits, old.service_name,
        old.idempotency_key, old.actor, old.expires_at, old.created_at
    )
)
EXECUTE FUNCTION public.refuse_hold_change();
CREATE TRIGGER hold_stays BEFORE DELETE ON public.credit_holds
FOR EACH ROW EXECUTE FUNCTION public.refuse_hold_change();
CREATE TRIGGER hold_no_truncate BEFORE TRUNCATE ON public.credit_holds
FOR EACH STATEMENT WHEN (current_setting('orgbilling.truncate', true) IS DISTINCT FROM 'allowed')
EXECUTE FUNCTION public.refuse_hold_change();
