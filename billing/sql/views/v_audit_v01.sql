-- One row for everything that somebody did: movements of the journal, refunds, billing events, audit log entries.
-- Each part of the union is one bare table, without WHERE or JOIN, so that PostgreSQL merges their indexes by time and
-- reads no more than a page shows; names are looked up outside. Of usage only refunds are shown, which `shown_if` says:
-- a column that is null in charges, so that the partial indexes of refunds serve.
CREATE OR REPLACE VIEW public.v_audit AS
SELECT
    entry.id,
    entry.org_id,
    org.display_name AS org_name,
    entry.created_at,
    entry.actor,
    coalesce(nullif(actor.name, ''), actor.email, api_key.name) AS actor_name,
    entry.source,
    entry.action,
    coalesce(entry.subject_user_id, allocation.user_id) AS subject_user_id,
    person.email AS subject_email,
    coalesce(nullif(entry.subject, ''), nullif(person.name, ''), person.email, '') AS subject,
    entry.credits,
    entry.available_before,
    entry.available_after,
    entry.remaining_before,
    entry.remaining_after,
    entry.before,
    entry.after,
    entry.reason,
    entry.request_id
FROM (
    SELECT
        j.id,
        j.org_id,
        j.created_at,
        j.actor::text AS actor,
        'journal'::text AS source,
        'credits_' || j.kind AS action,
        j.allocation_id,
        NULL::uuid AS subject_user_id,
        ''::text AS subject,
        j.credits,
        j.available_before,
        j.available_after,
        j.remaining_before,
        j.remaining_after,
        NULL::jsonb AS before,
        CASE
            WHEN j.kind = 'reset' THEN jsonb_build_object(
                'period_used_credits', j.period_used_credits, 'shortfall_credits', j.shortfall_credits
            )
        END AS after,
        j.notes AS reason,
        j.request_id::text AS request_id,
        j.id AS shown_if
    FROM public.credit_journal AS j
    UNION ALL
    SELECT
        u.id,
        u.org_id,
        u.created_at,
        u.actor::text AS actor,
        'usage'::text AS source,
        'usage_refunded'::text AS action,
        u.allocation_id,
        u.user_id AS subject_user_id,
        ''::text AS subject,
        -u.credits_used AS credits,
        NULL::bigint AS available_before,
        NULL::bigint AS available_after,
        -- Of a former member the refund goes on to the pool, and the journal has it.
        CASE
            WHEN u.remaining_credits + u.credits_used - u.overage_credits >= 0
                THEN u.remaining_credits + u.credits_used - u.overage_credits
        END AS remaining_before,
        u.remaining_credits AS remaining_after,
        NULL::jsonb AS before,
        jsonb_build_object('service_name', u.service_name, 'refund_of', u.refund_of_id) AS after,
        coalesce(u.metadata ->> 'reason', '') AS reason,
        u.request_id::text AS request_id,
        u.refund_of_id AS shown_if
    FROM public.credit_usage_attribution AS u
    UNION ALL
    SELECT
        h.id,
        h.org_id,
        h.created_at,
        h.actor::text AS actor,
        'billing'::text AS source,
        h.event_type::text AS action,
        NULL::uuid AS allocation_id,
        NULL::uuid AS subject_user_id,
        ''::text AS subject,
        h.credits,
        NULL::bigint AS available_before,
        NULL::bigint AS available_after,
        NULL::bigint AS remaining_before,
        NULL::bigint AS remaining_after,
        h.metadata -> 'before' AS before,
        coalesce(
            h.metadata -> 'after',
            h.metadata || jsonb_build_object('amount', h.amount::text, 'currency', h.currency)
        ) AS after,
        h.notes AS reason,
        h.request_id::text AS request_id,
        h.id AS shown_if
    FROM public.org_billing_history AS h
    UNION ALL
    SELECT
        l.id,
        l.org_id,
        l.created_at,
        l.actor::text AS actor,
        'log'::text AS source,
        l.action::text AS action,
        NULL::uuid AS allocation_id,
        l.subject_user_id,
        l.subject::text AS subject,
        NULL::bigint AS credits,
        NULL::bigint AS available_before,
        NULL::bigint AS available_after,
        NULL::bigint AS remaining_before,
        NULL::bigint AS remaining_after,
        l.before,
        l.after,
        l.reason,
        l.request_id::text AS request_id,
        l.id AS shown_if
    FROM public.audit_log AS l
) AS entry
LEFT JOIN public.organizations AS org ON entry.org_id = org.id
LEFT JOIN public.user_credit_allocations AS allocation
    ON entry.org_id = allocation.org_id AND entry.allocation_id = allocation.id
LEFT JOIN public.users AS person ON coalesce(entry.subject_user_id, allocation.user_id) = person.id
LEFT JOIN public.users AS actor
    ON CASE
        WHEN entry.actor ~ '^user:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(entry.actor, 6)::uuid
    END = actor.id
LEFT JOIN public.api_keys AS api_key
    ON CASE
        WHEN entry.actor ~ '^key:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(entry.actor, 5)::uuid
    END = api_key.id
WHERE entry.shown_if IS NOT NULL;
