-- A moment as the API and events write it: 2026-11-28T09:30:00Z, in UTC, without fractions of a second; NULL stays NULL.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.rfc3339(p_moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT to_char(p_moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
