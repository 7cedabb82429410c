-- One door to a balance: pools and allocations change their balances only inside the SQL functions, which open the
-- door (the setting orgbilling.door, for the transaction) and close it behind them. The condition is part of the trigger, so
-- that an ordinary charge pays for a comparison and not for a call.
-- Rows are born empty and never deleted or moved to another organization.
-- Locks: none. Errors: OB021.
CREATE OR REPLACE FUNCTION public.refuse_balance_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of a balance in % outside the ledger functions is refused', tg_op, tg_table_name
        USING ERRCODE = 'OB021';
END
$$;

CREATE TRIGGER pool_balance_door
BEFORE UPDATE OF org_id, total_credits, allocated_credits, overage_used, overage_used_period,
    lifetime_purchased_credits, lifetime_spent_amount
ON public.organization_credit_pools
FOR EACH ROW WHEN (current_setting('orgbilling.door', true) IS DISTINCT FROM 'open')
EXECUTE FUNCTION public.refuse_balance_change();
CREATE TRIGGER pool_born_empty BEFORE INSERT ON public.organization_credit_pools
FOR EACH ROW WHEN (new.total_credits <> 0 OR new.allocated_credits <> 0 OR new.overage_used <> 0)
EXECUTE FUNCTION public.refuse_balance_change();
CREATE TRIGGER pool_stays BEFORE DELETE ON public.organization_credit_pools
FOR EACH ROW EXECUTE FUNCTION public.refuse_balance_change();

CREATE TRIGGER allocation_balance_door
BEFORE UPDATE OF org_id, user_id, budget_credits, used_credits, held_credits, remaining_credits, lifetime_used_credits
ON public.user_credit_allocations
FOR EACH ROW WHEN (current_setting('orgbilling.door', true) IS DISTINCT FROM 'open')
EXECUTE FUNCTION public.refuse_balance_change();
CREATE TRIGGER allocation_born_empty BEFORE INSERT ON public.user_credit_allocations
FOR EACH ROW WHEN (
    new.budget_credits <> 0 OR new.used_credits <> 0 OR new.held_credits <> 0 OR new.remaining_credits <> 0
    OR new.lifetime_used_credits <> 0
)
EXECUTE FUNCTION public.refuse_balance_change();
CREATE TRIGGER allocation_stays BEFORE DELETE ON public.user_credit_allocations
FOR EACH ROW EXECUTE FUNCTION public.refuse_balance_change();
