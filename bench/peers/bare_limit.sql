-- The least that a charge can be: one balance by its key, one row as wide as ours under one index. See
-- bench/scripts/bare_limit.sql for the one statement that does both.
CREATE SCHEMA bare;

CREATE TABLE bare.balances (
    user_id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    allocation_id uuid NOT NULL,
    remaining_credits bigint NOT NULL,
    used_credits bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE bare.usage (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    allocation_id uuid NOT NULL,
    credits_used bigint NOT NULL,
    overage_credits bigint NOT NULL,
    service_type varchar(100),
    service_name varchar(100) NOT NULL,
    unit_price bigint,
    quantity bigint,
    price_version integer,
    request_id varchar(255) NOT NULL,
    metadata jsonb NOT NULL,
    refund_of_id uuid,
    hold_id uuid,
    remaining_credits bigint NOT NULL,
    operation varchar(16) NOT NULL,
    idempotency_key varchar(255),
    body_hash bytea,
    actor varchar(64) NOT NULL,
    created_at timestamptz NOT NULL
);
