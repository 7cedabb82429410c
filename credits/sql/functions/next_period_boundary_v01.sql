-- The boundary of a period that follows one that has been opened. Computed from well inside the opened period, so that a
-- change of the organization's time zone, which moves midnight by hours, never makes the same day or month begin twice.
-- Locks: none. Errors: 22023 for a zone that PostgreSQL doesn't know.
CREATE OR REPLACE FUNCTION public.next_period_boundary(
    p_anchor timestamptz, p_period text, p_zone text, p_opened timestamptz
) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT public.period_boundary(
        p_anchor,
        p_period,
        p_zone,
        -- The shortest day has 23 hours, the shortest month 28 days; the zones are at most 26 hours apart.
        p_opened + CASE p_period
            WHEN 'monthly' THEN interval '20 days'
            WHEN 'weekly' THEN interval '5 days'
            WHEN 'daily' THEN interval '20 hours'
            ELSE interval '0'
        END
    )
$$;
