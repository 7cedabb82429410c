-- The boundary of a period that follows one that has been opened. Computed from well inside the opened period, so that a
-- change of the organization's time zone, which moves midnight by hours, never makes the same day or month begin twice.
-- Immutable: it depends on its arguments alone, and Citus takes only such a function inside an UPDATE. Hence hours: what a
-- day is depends on the session's time zone.
-- Locks: none. Errors: 22023 for a zone that PostgreSQL doesn't know.
CREATE OR REPLACE FUNCTION public.next_period_boundary(
    p_anchor timestamptz, p_period text, p_zone text, p_opened timestamptz
) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
AS $$
    SELECT public.period_boundary(
        p_anchor,
        p_period,
        p_zone,
        -- The shortest day has 23 hours, the shortest month 28 days; the zones are at most 26 hours apart.
        p_opened + CASE p_period
            WHEN 'monthly' THEN interval '480 hours'
            WHEN 'weekly' THEN interval '120 hours'
            WHEN 'daily' THEN interval '20 hours'
            ELSE interval '0'
        END
    )
$$;
