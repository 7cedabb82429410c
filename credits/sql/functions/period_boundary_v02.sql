-- The first boundary of a period after p_after: local midnight of the organization's time zone, every day (daily), on
-- the anchor's weekday (weekly) or on the anchor's day of the month, clamped to the month's last (monthly).
-- A midnight that daylight saving skips becomes the first instant after it. NULL for 'never'.
-- Immutable: it depends on its arguments alone, and Citus takes only such a function inside an UPDATE.
-- Locks: none. Errors: 22023 for a zone that PostgreSQL doesn't know.
CREATE OR REPLACE FUNCTION public.period_boundary(
    p_anchor timestamptz, p_period text, p_zone text, p_after timestamptz
) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_anchor date := (p_anchor AT TIME ZONE p_zone)::date;
    v_today date := (p_after AT TIME ZONE p_zone)::date;
    v_day date;
    v_months integer;
    v_boundary timestamptz;
BEGIN
    IF p_period = 'never' THEN
        RETURN NULL;
    ELSIF p_period = 'daily' THEN
        v_day := v_today;
    ELSIF p_period = 'weekly' THEN
        -- date minus date is an integer; the double modulo keeps it within 0..6 for an anchor in the future.
        v_day := v_today - (((v_today - v_anchor) % 7 + 7) % 7);
    ELSE
        v_months := (extract(year FROM v_today) - extract(year FROM v_anchor))::integer * 12
            + (extract(month FROM v_today) - extract(month FROM v_anchor))::integer;
        v_day := (v_anchor + make_interval(months => v_months))::date;
    END IF;
    v_boundary := v_day::timestamp AT TIME ZONE p_zone;
    WHILE v_boundary <= p_after LOOP
        IF p_period = 'daily' THEN
            v_day := v_day + 1;
        ELSIF p_period = 'weekly' THEN
            v_day := v_day + 7;
        ELSE
            v_months := v_months + 1;
            v_day := (v_anchor + make_interval(months => v_months))::date;
        END IF;
        v_boundary := v_day::timestamp AT TIME ZONE p_zone;
    END LOOP;
    RETURN v_boundary;
END
$$;
