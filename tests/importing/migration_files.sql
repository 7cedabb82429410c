-- The predecessor's tables as its migration files make them: text user ids, generated columns, checks on words.
CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(200) UNIQUE NOT NULL,
    display_name varchar(255),
    logo_url text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    plan_tier varchar(50) DEFAULT 'founders_friend',
    max_seats integer DEFAULT 1,
    lago_customer_id varchar(255),
    stripe_customer_id varchar(255),
    status varchar(50) DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted'))
);
CREATE TABLE organization_members (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id varchar(255) NOT NULL,
    role varchar(50) NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'billing_admin')),
    joined_at timestamptz DEFAULT now(),
    UNIQUE (org_id, user_id)
);
CREATE TABLE organization_subscriptions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    subscription_plan varchar(50) NOT NULL CHECK (subscription_plan IN ('platform', 'byok', 'hybrid')),
    monthly_price numeric(10, 2) NOT NULL DEFAULT 0.00,
    billing_cycle varchar(20) DEFAULT 'monthly' CHECK (billing_cycle IN ('monthly', 'yearly', 'custom')),
    lago_subscription_id varchar(255),
    stripe_subscription_id varchar(255),
    status varchar(50) DEFAULT 'active'
        CHECK (status IN ('active', 'trialing', 'past_due', 'canceled', 'paused')),
    trial_ends_at timestamptz,
    current_period_start timestamptz DEFAULT now(),
    current_period_end timestamptz,
    canceled_at timestamptz,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
-- Over 'active' alone: the fault that lets two live ones be.
CREATE UNIQUE INDEX one_active ON organization_subscriptions (org_id) WHERE status = 'active';
CREATE TABLE organization_credit_pools (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL UNIQUE REFERENCES organizations (id) ON DELETE CASCADE,
    total_credits bigint NOT NULL DEFAULT 0,
    allocated_credits bigint NOT NULL DEFAULT 0,
    used_credits bigint NOT NULL DEFAULT 0,
    available_credits bigint GENERATED ALWAYS AS (total_credits - allocated_credits) STORED,
    monthly_refresh_amount bigint DEFAULT 0,
    last_refresh_date timestamptz DEFAULT now(),
    next_refresh_date timestamptz,
    allow_overage boolean DEFAULT false,
    overage_limit bigint DEFAULT 0,
    overage_rate numeric(10, 6) DEFAULT 0.0,
    lifetime_purchased_credits bigint DEFAULT 0,
    lifetime_spent_amount numeric(12, 2) DEFAULT 0.00,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE TABLE user_credit_allocations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id varchar(255) NOT NULL,
    allocated_credits bigint NOT NULL DEFAULT 0,
    used_credits bigint NOT NULL DEFAULT 0,
    remaining_credits bigint GENERATED ALWAYS AS (allocated_credits - used_credits) STORED,
    reset_period varchar(20) DEFAULT 'monthly'
        CHECK (reset_period IN ('daily', 'weekly', 'monthly', 'never')),
    last_reset_date timestamptz DEFAULT now(),
    next_reset_date timestamptz,
    is_active boolean DEFAULT true,
    allocated_by varchar(255),
    notes text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (org_id, user_id)
);
CREATE TABLE credit_usage_attribution (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id varchar(255) NOT NULL,
    allocation_id uuid REFERENCES user_credit_allocations (id) ON DELETE SET NULL,
    credits_used bigint NOT NULL,
    service_type varchar(100) NOT NULL,
    service_name varchar(200),
    api_cost numeric(12, 6) DEFAULT 0.0,
    markup_applied numeric(12, 6) DEFAULT 0.0,
    total_cost numeric(12, 6) GENERATED ALWAYS AS (api_cost + markup_applied) STORED,
    request_id varchar(255),
    request_metadata jsonb,
    created_at timestamptz DEFAULT now()
);
CREATE TABLE org_billing_history (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    subscription_id uuid REFERENCES organization_subscriptions (id) ON DELETE SET NULL,
    event_type varchar(50) NOT NULL CHECK (event_type IN (
        'invoice_created', 'invoice_paid', 'invoice_failed', 'subscription_created', 'subscription_upgraded',
        'subscription_downgraded', 'subscription_canceled', 'credit_purchase', 'credit_refund', 'overage_charged'
    )),
    lago_invoice_id varchar(255),
    stripe_invoice_id varchar(255),
    amount numeric(12, 2) NOT NULL DEFAULT 0.00,
    currency varchar(3) DEFAULT 'USD',
    payment_status varchar(50)
        CHECK (payment_status IN ('pending', 'paid', 'failed', 'refunded', 'canceled')),
    payment_method varchar(100),
    paid_at timestamptz,
    period_start timestamptz,
    period_end timestamptz,
    event_metadata jsonb,
    notes text,
    created_at timestamptz DEFAULT now()
);
