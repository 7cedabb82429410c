"""The gauges that the database answers for: one row for each, with its statement's columns in order.

A timestamp of 0 means: never. Labels are closed lists, filled up with zeros, so that an alert sees a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from billing.choices import SubscriptionStatus
from billing.verification import EVERY

JOB_STATUSES: Final = ("todo", "doing", "succeeded", "failed", "cancelled", "aborted")
#: The tables that grow with use.
TABLES: Final = (
    "credit_usage_attribution",
    "credit_journal",
    "credit_holds",
    "credit_refusals",
    "idempotency_answers",
    "org_billing_history",
    "procrastinate_jobs",
    "webhook_deliveries",
    "webhook_events",
)
ENDPOINT_STATUSES: Final = ("enabled", "disabled")


@dataclass(frozen=True, slots=True)
class Figure:
    """One gauge: its name without the prefix, what it says, its label and the label's values if they are known."""

    name: str
    says: str
    label: str = ""
    known: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A statement and the figures that its columns are.

    `labelled`: the first column is the label's value, and there may be many rows.
    """

    sql: str
    figures: Sequence[Figure]
    labelled: bool = False
    parameters: Mapping[str, object] = field(default_factory=dict)


QUESTIONS: Final = (
    # Succeeded jobs are kept for a day: this reads one day's jobs, however old the service is.
    Question(
        "SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status",
        (Figure("jobs", "Jobs that are kept, by status.", "status", JOB_STATUSES),),
        labelled=True,
    ),
    Question(
        """
        SELECT count(*),
               coalesce(greatest(0, extract(epoch FROM now() - min(coalesce(j.scheduled_at, e.at)))), 0)
        FROM procrastinate_jobs j
        LEFT JOIN LATERAL (
            SELECT min(at) AS at FROM procrastinate_events WHERE job_id = j.id AND type = 'deferred'
        ) e ON j.scheduled_at IS NULL
        WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
        """,
        (
            Figure("jobs_due", "Jobs that could be done now and wait."),
            Figure("jobs_oldest_due_seconds", "How long the oldest of them has been due."),
        ),
    ),
    # Workers give a sign every 10 seconds.
    Question(
        """
        SELECT count(*) FILTER (WHERE last_heartbeat > now() - interval '30 seconds'),
               coalesce(extract(epoch FROM max(last_heartbeat)), 0)
        FROM procrastinate_workers
        """,
        (
            Figure("workers", "Workers that gave a sign of life in the last 30 seconds."),
            Figure("worker_sign_timestamp_seconds", "When a worker gave its last sign of life."),
        ),
    ),
    Question(
        """
        SELECT coalesce(max(extract(epoch FROM as_of)), 0), coalesce(max(milliseconds), 0) / 1000.0
        FROM (SELECT as_of, milliseconds FROM ledger_checks WHERE finished_at IS NOT NULL
              ORDER BY started_at DESC, id DESC LIMIT 1) last
        """,
        (
            Figure(
                "ledger_proof_timestamp_seconds",
                "The instant that the last finished proof of the ledger judged.",
            ),
            Figure("ledger_proof_duration_seconds", "How long that proof took."),
        ),
    ),
    Question(
        """
        SELECT detail ->> 'check', (detail ->> 'rows')::bigint
        FROM (SELECT details FROM ledger_checks WHERE finished_at IS NOT NULL
              ORDER BY started_at DESC, id DESC LIMIT 1) last, jsonb_array_elements(last.details) detail
        """,
        (
            Figure(
                "ledger_violations",
                "Rows that broke an equation of the ledger when it was proved last.",
                "check",
                tuple(check.name for check in EVERY),
            ),
        ),
        labelled=True,
    ),
    # Who uses nothing stays behind: the furthest one tells whether the job gets on.
    Question(
        "SELECT coalesce(extract(epoch FROM max(safe_until)), 0) FROM credit_usage_rollups",
        (
            Figure(
                "usage_summed_up_timestamp_seconds",
                "Up to when usage is summed up, of the organization that is the furthest.",
            ),
        ),
    ),
    # What waits for an endpoint that fails is late by its own fault: a lag is of those that work.
    Question(
        """
        SELECT count(*), coalesce(extract(epoch FROM max(now() - d.next_attempt_at)
                                          FILTER (WHERE d.next_attempt_at < now() AND e.consecutive_failures = 0)), 0)
        FROM webhook_deliveries d JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
        WHERE d.status = 'pending'
        """,
        (
            Figure("webhook_deliveries_pending", "Webhooks that wait for an attempt."),
            Figure(
                "webhook_oldest_due_seconds",
                "How long one has been due whose endpoint answers well.",
            ),
        ),
    ),
    Question(
        "SELECT status, count(*) FROM webhook_endpoints WHERE status <> 'deleted' GROUP BY status",
        (
            Figure(
                "webhook_endpoints",
                "Endpoints of organizations, by status.",
                "status",
                ENDPOINT_STATUSES,
            ),
        ),
        labelled=True,
    ),
    # A backup is as old as the moment at which it began: that is what it holds.
    Question(
        """
        SELECT coalesce(extract(epoch FROM max(started_at) FILTER (WHERE kind = 'backup')), 0),
               coalesce(extract(epoch FROM max(started_at) FILTER (WHERE kind = 'restore_drill')), 0)
        FROM backup_runs WHERE outcome = 'succeeded'
        """,
        (
            Figure("backup_timestamp_seconds", "When the last good backup was begun."),
            Figure("restore_drill_timestamp_seconds", "When a backup was last proved to restore."),
        ),
    ),
    Question(
        """
        SELECT relname::text, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid)
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY(%(tables)s)
        """,
        (
            Figure("table_rows", "Rows of a growing table, as the planner estimates.", "table"),
            Figure("table_bytes", "Bytes of a growing table with its indexes.", "table"),
        ),
        labelled=True,
        parameters={"tables": list(TABLES)},
    ),
    Question(
        "SELECT pg_database_size(current_database()),"
        " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
        " current_setting('max_connections')::int",
        (
            Figure("database_bytes", "Bytes of the database."),
            Figure("database_connections", "Connections that the server has, of all its clients."),
            Figure("database_max_connections", "Connections that the server takes."),
        ),
    ),
    Question(
        """
        SELECT count(*), coalesce(sum(credits - captured_credits), 0),
               count(*) FILTER (WHERE expires_at <= now())
        FROM credit_holds WHERE status = 'pending'
        """,
        (
            Figure("holds_pending", "Holds that are neither captured, released nor expired."),
            Figure("holds_pending_credits", "Credits that they reserve."),
            Figure("holds_overdue", "Those of them whose time has passed."),
        ),
    ),
    Question(
        "SELECT status, count(*) FROM organization_subscriptions GROUP BY status",
        (
            Figure(
                "subscriptions",
                "Subscriptions by status.",
                "status",
                tuple(SubscriptionStatus.values),
            ),
        ),
        labelled=True,
    ),
    # As billing.reports.alerts says it. What is there to be used is at most the total: that sorts most pools out.
    Question(
        """
        SELECT count(*)
        FROM organization_credit_pools p
        LEFT JOIN LATERAL (
            SELECT sum(lifetime_used_credits) AS used FROM user_credit_allocations a
            WHERE a.org_id = p.org_id AND p.available_credits * 100 < p.total_credits * p.alert_threshold_percent
        ) a ON true
        WHERE p.available_credits < p.alert_threshold_credits
           OR p.available_credits * 100
              < (p.total_credits - coalesce(a.used, 0) + p.overage_used) * p.alert_threshold_percent
        """,
        (
            Figure(
                "low_credit_organizations",
                "Organizations whose pool is below its alert threshold.",
            ),
        ),
    ),
)
