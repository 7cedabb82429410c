-- The predecessor's credits, written again from its description: one row a pool, one an allocation, and usage under
-- seven indexes (indexes.sql has six of them); ids as texts of 36 characters, foreign keys that cascade. It has no
-- idempotency and no guards, and is faster for that.
CREATE SCHEMA predecessor;

CREATE TABLE predecessor.organizations (
    id varchar(36) PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE predecessor.organization_members (
    org_id varchar(36) NOT NULL REFERENCES predecessor.organizations (id) ON DELETE CASCADE,
    user_id varchar(36) NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (org_id, user_id)
);

CREATE TABLE predecessor.organization_credit_pools (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL UNIQUE REFERENCES predecessor.organizations (id) ON DELETE CASCADE,
    total_credits bigint NOT NULL DEFAULT 0,
    allocated_credits bigint NOT NULL DEFAULT 0,
    used_credits bigint NOT NULL DEFAULT 0,
    available_credits bigint GENERATED ALWAYS AS (total_credits - allocated_credits) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE predecessor.user_credit_allocations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL REFERENCES predecessor.organizations (id) ON DELETE CASCADE,
    user_id varchar(36) NOT NULL,
    allocated_credits bigint NOT NULL DEFAULT 0,
    used_credits bigint NOT NULL DEFAULT 0,
    remaining_credits bigint GENERATED ALWAYS AS (allocated_credits - used_credits) STORED,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (org_id, user_id)
);

CREATE TABLE predecessor.credit_usage_attribution (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL REFERENCES predecessor.organizations (id) ON DELETE CASCADE,
    user_id varchar(36) NOT NULL,
    allocation_id uuid REFERENCES predecessor.user_credit_allocations (id) ON DELETE SET NULL,
    credits_used bigint NOT NULL,
    service_type varchar(100) NOT NULL,
    service_name varchar(255),
    api_cost numeric(10, 6),
    markup_applied numeric(10, 6),
    total_cost numeric(10, 6),
    request_id varchar(255),
    request_metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
