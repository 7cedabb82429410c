"""Rows that a sabotage writes, as SQL."""


def copy(table: str, where: str, **columns: str) -> str:
    """A row written a second time, with other values in some columns."""
    changed = {"id": "gen_random_uuid()", **columns}
    values = ", ".join(f"{value} AS {column}" for column, value in changed.items())
    return f"""
        INSERT INTO {table} SELECT (jsonb_populate_record(t, to_jsonb(other))).* FROM {table} AS t,
        LATERAL (SELECT {values}) AS other WHERE t.org_id = %(org)s AND {where} LIMIT 1
    """


def billed_overage(amount: str, *, times: int) -> str:
    """A closed period of 5 credits at 0.01, and charges for it."""
    return f"""
        WITH period AS (
            INSERT INTO overage_periods (id, org_id, period_end, credits, rate, created_at)
            VALUES (gen_random_uuid(), %(org)s, now(), 5, 0.01, now())
        )
        INSERT INTO org_billing_history
        SELECT (jsonb_populate_record(t, jsonb_build_object(
            'id', gen_random_uuid(), 'event_type', 'overage_charge', 'amount', {amount},
            'period_start', NULL, 'period_end', now()
        ))).*
        FROM org_billing_history AS t, generate_series(1, {times})
        WHERE t.org_id = %(org)s AND t.event_type = 'subscription_created'
    """


def money_for_nothing() -> str:
    """An attempt that brought the money of a payment which is pending still."""
    return """
        INSERT INTO payment_attempts SELECT (jsonb_populate_record(NULL::payment_attempts, jsonb_build_object(
            'id', gen_random_uuid(), 'org_id', p.org_id, 'payment_id', p.id, 'number', 1, 'provider', 'stripe',
            'customer_id', 'cus_1', 'method_id', 'pm_1', 'amount', p.amount, 'currency', p.currency,
            'return_url', '', 'reference', 'pi_1', 'status', 'succeeded', 'failure_code', '',
            'failure_message', '', 'duplicate', false, 'refunded_amount', 0, 'created_at', now(),
            'updated_at', now()
        ))).*
        FROM payments AS p WHERE p.org_id = %(org)s AND p.status = 'pending' LIMIT 1
    """
