-- Beside the primary key; made once the rows are there.
CREATE INDEX ON predecessor.credit_usage_attribution (org_id);
CREATE INDEX ON predecessor.credit_usage_attribution (user_id);
CREATE INDEX ON predecessor.credit_usage_attribution (allocation_id);
CREATE INDEX ON predecessor.credit_usage_attribution (service_type);
CREATE INDEX ON predecessor.credit_usage_attribution (created_at);
CREATE INDEX ON predecessor.credit_usage_attribution USING gin (request_metadata);
