-- The current moment for every decision about credits: the transaction's start, or the moment that the session
-- setting orgbilling.now simulates (seeding, tests of long periods).
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.billing_now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT coalesce(nullif(current_setting('orgbilling.now', true), '')::timestamptz, now())
$$;
