-- The usage table again, with its columns, CHECKs and indexes, and the rows that are there. Without its triggers and
-- foreign keys: COPY is given the easier task.
CREATE SCHEMA bench
-- next
CREATE TABLE bench.copied (LIKE public.credit_usage_attribution INCLUDING ALL)
-- next
INSERT INTO bench.copied SELECT * FROM public.credit_usage_attribution
