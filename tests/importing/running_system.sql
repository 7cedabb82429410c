-- The predecessor's tables as its running system expects them: members by organization_id with roles in capitals, user
-- ids that are UUIDs, moments without a zone, remaining_credits kept by hand, fractions, a description in the history.
CREATE TYPE organizationmemberrole AS ENUM ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER');
CREATE TABLE organizations (
    id varchar(36) PRIMARY KEY,
    name varchar(255) NOT NULL,
    slug varchar(255) UNIQUE NOT NULL,
    description text,
    website varchar(512),
    logo_url varchar(512),
    max_users integer DEFAULT 5,
    is_active boolean DEFAULT true,
    settings json,
    metadata_json json,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
CREATE TABLE organization_members (
    id varchar(36) PRIMARY KEY,
    organization_id varchar(36) NOT NULL,
    user_id uuid NOT NULL,
    role organizationmemberrole NOT NULL,
    is_active boolean DEFAULT true,
    joined_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text,
    full_name text,
    keycloak_id text,
    password_hash text
);
CREATE TABLE organization_subscriptions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL,
    subscription_plan varchar(50) NOT NULL,
    monthly_price numeric(10, 2) NOT NULL,
    billing_cycle varchar(20),
    status varchar(50),
    trial_ends_at timestamp,
    current_period_start timestamp,
    current_period_end timestamp,
    canceled_at timestamp,
    created_at timestamp,
    updated_at timestamp
);
CREATE TABLE organization_credit_pools (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL UNIQUE,
    total_credits numeric,
    allocated_credits numeric,
    used_credits numeric,
    available_credits numeric GENERATED ALWAYS AS (total_credits - allocated_credits) STORED,
    monthly_refresh_amount numeric,
    allow_overage boolean,
    overage_limit numeric,
    updated_at timestamp
);
CREATE TABLE user_credit_allocations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL,
    user_id uuid NOT NULL,
    allocated_credits numeric NOT NULL,
    used_credits numeric NOT NULL DEFAULT 0,
    remaining_credits numeric NOT NULL,
    reset_period varchar(20),
    last_reset_date timestamp,
    next_reset_date timestamp,
    is_active boolean DEFAULT true,
    notes text,
    updated_at timestamp DEFAULT now(),
    UNIQUE (org_id, user_id)
);
CREATE TABLE credit_usage_attribution (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL,
    user_id uuid NOT NULL,
    credits_used numeric NOT NULL,
    service_type varchar(100),
    service_name varchar(200),
    request_id varchar(255),
    request_metadata text,
    created_at timestamp DEFAULT now()
);
CREATE TABLE org_billing_history (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id varchar(36) NOT NULL,
    event_type varchar(50) NOT NULL,
    amount numeric(12, 2),
    currency varchar(3),
    payment_status varchar(50),
    period_start timestamp,
    period_end timestamp,
    description text,
    created_at timestamp DEFAULT now()
);
