"""For every CHECK of the ledger's tables, rows that break it: a right row and what is changed in it.

A value that is a `str` is an SQL expression, so that NULL and other columns can be said. Where one check implies
part of another (a total below zero is below what is allocated), the row is said once, for the one that refuses it.
"""

#: Constraint -> (the right row's name, what is changed), once for each way to break it.
IMPOSSIBLE: dict[str, list[tuple[str, dict[str, object]]]] = {
    # Allocations
    "allocation_balances_not_negative": [
        ("allocation", {"budget_credits": -1}),
        ("allocation", {"used_credits": -1}),
        ("allocation", {"held_credits": -1}),
        ("allocation", {"remaining_credits": -1}),
        ("allocation", {"used_credits": -1, "lifetime_used_credits": -1}),
        ("allocation", {"budget_credits": 9 * 10**18 + 1}),
        ("allocation", {"lifetime_used_credits": 9 * 10**18 + 1}),
    ],
    "allocation_lifetime_covers_period": [
        ("allocation", {"used_credits": 2, "lifetime_used_credits": 1})
    ],
    "allocation_reset_has_date": [
        ("allocation", {"next_reset_date": "NULL"}),
        ("allocation", {"reset_period": "'never'"}),
    ],
    "allocation_thresholds_range": [
        ("allocation", {"alert_threshold_percent": 101}),
        ("allocation", {"alert_threshold_percent": -1}),
        ("allocation", {"alert_threshold_credits": -1}),
    ],
    "allocation_reset_period_known": [("allocation", {"reset_period": "'hourly'"})],
    # Pools
    "pool_allocated_within_total": [
        ("pool", {"allocated_credits": -1}),
        ("pool", {"allocated_credits": "total_credits + 1"}),
    ],
    "pool_counts_not_negative": [
        ("pool", {"lifetime_purchased_credits": -1}),
        ("pool", {"monthly_refresh_amount": -1}),
    ],
    "pool_money_not_negative": [
        ("pool", {"overage_rate": "-0.01"}),
        ("pool", {"account_limit": -1}),
        ("pool", {"lifetime_spent_amount": -1}),
    ],
    "pool_next_plan_has_date": [
        ("pool", {"next_price_plan": "'byok'"}),
        ("pool", {"next_price_plan_at": "now()"}),
    ],
    "pool_overage_lifetime_covers_period": [
        ("pool", {"overage_limit": 9, "overage_used_period": 2, "overage_used": 1})
    ],
    "pool_overage_within_limit": [
        ("pool", {"overage_used_period": 1, "overage_used": 1}),
        ("pool", {"overage_used_period": -1}),
    ],
    "pool_refresh_has_anchor": [
        ("pool", {"next_refresh_date": "now()", "monthly_refresh_amount": 5}),
        ("pool", {"next_refresh_date": "now()", "refresh_anchor": "now()"}),
    ],
    "pool_thresholds_range": [
        ("pool", {"alert_threshold_percent": 101}),
        ("pool", {"alert_threshold_percent": -1}),
        ("pool", {"alert_threshold_credits": -1}),
    ],
    "pool_total_range": [
        ("pool", {"total_credits": 9 * 10**18 + 1}),
    ],
    # Runs of the proof
    "ledger_checks_counts_check": [
        ("run", {"checked": -1}),
        ("run", {"violations": -1}),
        ("run", {"milliseconds": -1}),
    ],
    "ledger_checks_finished_check": [
        ("run", {"finished_at": "started_at - interval '1 second'"}),
        ("run", {"finished_at": "NULL"}),
        ("run", {"as_of": "NULL"}),
    ],
    # Backups
    "backup_runs_counts_check": [
        ("backup", {"bytes": -1, "kind": "'restore'"}),
        ("backup", {"milliseconds": -1}),
    ],
    "backup_runs_file_check": [
        ("backup", {"file_name": "''"}),
        ("backup", {"bytes": 0}),
        ("backup", {"sha256": "'abc'"}),
    ],
    "backup_runs_kind_check": [("backup", {"kind": "'copy'"})],
    "backup_runs_outcome_check": [
        ("backup", {"outcome": "'running'"}),
        ("backup", {"outcome": "'maybe'"}),
        ("backup", {"finished_at": "NULL"}),
        ("backup", {"finished_at": "started_at - interval '1 second'"}),
    ],
    # Usage
    "usage_capture_has_hold": [
        ("capture", {"hold_id": "NULL"}),
        ("charge", {"hold_id": "gen_random_uuid()"}),
        ("refund", {"hold_id": "gen_random_uuid()"}),
    ],
    "usage_key_has_body_hash": [("charge", {"idempotency_key": "'k'"})],
    "usage_overage_within_credits": [
        ("charge", {"overage_credits": -1}),
        ("charge", {"overage_credits": 21}),
        ("refund", {"overage_credits": 1}),
        ("refund", {"overage_credits": -6}),
    ],
    "usage_price_times_quantity": [
        ("charge", {"unit_price": 3, "quantity": 3, "price_version": 1}),
        ("charge", {"unit_price": 5, "quantity": 4}),
        ("charge", {"price_version": 1}),
        ("charge", {"unit_price": -5, "quantity": -4, "price_version": 1}),
        ("charge", {"unit_price": 5, "price_version": 1}),
        ("refund", {"unit_price": 5, "quantity": 1, "price_version": 1}),
    ],
    "usage_remaining_not_negative": [("charge", {"remaining_credits": -1})],
    "usage_service_named": [("charge", {"service_name": "''"})],
    "usage_sign_matches_operation": [
        ("charge", {"credits_used": -1}),
        ("refund", {"credits_used": 0}),
        ("charge", {"operation": "'gift'"}),
        ("refund", {"operation": "'deduct'"}),
    ],
    # Usage, summed up
    "service_cell_possible": [
        ("service_cell", {"grain": "'week'"}),
        ("service_cell", {"requests": -1}),
    ],
    "user_cell_possible": [
        ("user_cell", {"grain": "'week'"}),
        ("user_cell", {"requests": -1}),
    ],
    # Journal
    "journal_available_adds_up": [
        ("grant", {"available_after": "available_after + 1"}),
        ("given", {"available_before": "available_before + 1"}),
    ],
    "journal_available_not_negative": [
        ("reclaim", {"available_before": -20, "available_after": -10}),
        ("reset", {"available_before": 9, "available_after": -1}),
    ],
    "journal_credits_positive": [
        ("grant", {"credits": 0, "available_after": "available_before"}),
        ("reset", {"credits": -1, "available_after": 101, "remaining_after": -1}),
    ],
    "journal_refresh_has_period": [("refresh", {"period_start": "NULL"})],
    "journal_remaining_adds_up": [
        ("given", {"remaining_after": "remaining_after + 1"}),
        ("reclaim", {"remaining_before": 11}),
        ("grant", {"remaining_before": 0, "remaining_after": 0}),
        ("given", {"remaining_before": "NULL", "remaining_after": "NULL"}),
    ],
    "journal_reset_has_period": [
        ("reset", {"period_start": "NULL"}),
        ("reset", {"period_used_credits": -1}),
        ("reset", {"period_used_credits": "NULL"}),
    ],
    "journal_shortfall_of_reset": [
        ("grant", {"shortfall_credits": 1}),
        ("reset", {"shortfall_credits": -1}),
    ],
    "journal_transfer_known": [
        ("grant", {"kind": "'gift'"}),
        ("grant", {"from_bucket": "'expired'"}),
        ("given", {"kind": "'reclaim'"}),
    ],
    # Holds
    "hold_expires_later": [("pending", {"expires_at": "created_at"})],
    "hold_key_has_body_hash": [("pending", {"idempotency_key": "'k'"})],
    "hold_overage_within_credits": [
        ("pending", {"overage_credits": 51}),
        ("settled", {"overage_returned": -1}),
        ("settled", {"overage_credits": 5, "overage_returned": 6}),
    ],
    "hold_parts_within_credits": [
        ("pending", {"captured_credits": 51}),
        ("pending", {"captured_credits": -1}),
        ("settled", {"released_credits": -10, "captured_credits": 60}),
        ("settled", {"expired_credits": -10, "captured_credits": 30}),
    ],
    "hold_price_times_quantity": [
        ("pending", {"unit_price": 3, "quantity": 3, "price_version": 1}),
        ("pending", {"unit_price": 5, "quantity": 10}),
        ("pending", {"unit_price": 5, "price_version": 1}),
    ],
    "hold_remaining_not_negative": [("pending", {"remaining_credits": -1})],
    "hold_service_named": [("pending", {"service_name": "''"})],
    "hold_settled_adds_up": [
        ("settled", {"released_credits": 29}),
        ("settled", {"settled_at": "NULL"}),
        ("settled", {"status": "'pending'"}),
        ("settled", {"status": "'lost'"}),
        ("pending", {"released_credits": 1}),
        ("pending", {"settled_at": "now()"}),
        ("pending", {"overage_credits": 5, "overage_returned": 5}),
    ],
    # The rest of credits
    "episode_credits_not_negative": [
        ("episode", {"left_credits": -1}),
        ("episode", {"whole_credits": -1}),
    ],
    "episode_ends_later": [("episode", {"ended_at": "began_at - interval '1 second'"})],
    "episode_level_known": [("episode", {"level": "'medium'"})],
    "answer_status_is_final": [("answer", {"status": 500}), ("answer", {"status": 300})],
    "overage_period_ends_later": [("overage", {"period_end": "period_start"})],
    "overage_positive": [("overage", {"credits": 0}), ("overage", {"rate": "-0.01"})],
    "refusal_counted": [("refusal", {"count": 0})],
    "price_range": [
        ("price", {"platform_credits": -1}),
        ("price", {"byok_credits": -1}),
        ("price", {"hybrid_credits": 10**15 + 1}),
    ],
    "service_named": [("service", {"name": "''"})],
    # Billing
    "billing_details_address_check": [("details", {"address": "repeat('x', 501)"})],
    "invoices_number_check": [("invoice", {"number": 0})],
    "org_billing_history_amount_check": [("event", {"amount": -1})],
    "org_billing_history_credits_check": [
        ("bought", {"credits": 0}),
        ("bought", {"credits": "NULL"}),
        ("event", {"credits": 5}),
        ("event", {"subscription_id": "NULL"}),
    ],
    "org_billing_history_currency_check": [("event", {"currency": "'usd'"})],
    "org_billing_history_event_type_check": [("event", {"event_type": "'party'"})],
    "org_billing_history_key_has_hash_check": [
        ("event", {"idempotency_key": "'k'", "operation": "'x'", "body_hash": "NULL"}),
        ("event", {"idempotency_key": "'k'", "operation": "''", "body_hash": "''"}),
    ],
    "organization_subscriptions_canceled_check": [
        ("subscription", {"status": "'canceled'"}),
        ("subscription", {"canceled_at": "now()"}),
    ],
    "organization_subscriptions_currency_check": [("subscription", {"currency": "'US'"})],
    "organization_subscriptions_cycle_check": [("subscription", {"billing_cycle": "'weekly'"})],
    "organization_subscriptions_past_due_check": [("subscription", {"past_due_since": "now()"})],
    "organization_subscriptions_period_check": [
        ("subscription", {"current_period_end": "current_period_start"})
    ],
    "organization_subscriptions_price_check": [("subscription", {"monthly_price": -5})],
    "organization_subscriptions_scheduled_cycle_check": [
        ("subscription", {"scheduled_cycle": "'weekly'"})
    ],
    "organization_subscriptions_status_check": [("subscription", {"status": "'gone'"})],
    "organization_subscriptions_trial_check": [
        ("subscription", {"status": "'trialing'", "trial_ends_at": "NULL"})
    ],
    "organization_subscriptions_yearly_months_check": [
        ("subscription", {"yearly_months": 0}),
        ("subscription", {"yearly_months": 13}),
    ],
    "payment_attempts_amount_check": [("attempt", {"amount": 0, "refunded_amount": 0})],
    "payment_attempts_currency_check": [("attempt", {"currency": "'usd'"})],
    "payment_attempts_duplicate_check": [("attempt", {"duplicate": "true"})],
    "payment_attempts_provider_check": [("attempt", {"provider": "'cash'"})],
    "payment_attempts_refunded_check": [
        ("attempt", {"refunded_amount": "-0.01"}),
        ("attempt", {"refunded_amount": "amount + 0.01"}),
    ],
    "payment_attempts_status_check": [("attempt", {"status": "'lost'"})],
    "payment_attempts_success_check": [("attempt", {"status": "'succeeded'"})],
    "payment_customers_customer_id_check": [("customer", {"customer_id": "''"})],
    "payment_customers_provider_check": [("customer", {"provider": "'cash'"})],
    "payment_webhook_events_provider_check": [("webhook", {"provider": "'cash'"})],
    "payment_webhook_events_status_check": [
        ("webhook", {"status": "'lost'"}),
        ("webhook", {"status": "'lost'", "processed_at": "now()"}),
        ("webhook", {"status": "'processed'"}),
        ("webhook", {"processed_at": "now()"}),
    ],
    "payments_amount_check": [("payment", {"amount": 0})],
    "payments_currency_check": [("payment", {"currency": "'usd'"})],
    "payments_paid_at_check": [
        ("payment", {"status": "'paid'"}),
        ("payment", {"paid_at": "now()"}),
    ],
    "payments_status_check": [("payment", {"status": "'lost'"})],
    "plans_code_check": [("plan", {"code": "'gold'"})],
    "plans_credit_price_check": [("plan", {"credit_price": 0})],
    "plans_currency_check": [("plan", {"currency": "'usd'"})],
    "plans_monthly_price_check": [("plan", {"monthly_price": -1})],
    "plans_overage_ceiling_check": [("plan", {"overage_ceiling": -1})],
    "plans_yearly_months_check": [("plan", {"yearly_months": 13})],
}
