-- Sum up an organization's usage by hour and day, of each service and of each member: about p_rows rows after those that
-- are summed up already, and as many that were noted as late. Returns how many rows it took, and whether there are more.
-- No row is missed. A row is written by a transaction that has a number by then, and is noted as late when its moment is
-- two minutes older than the clock (note_late_usage). So once every transaction up to a number has ended, whoever writes
-- an older row than that number's beginning less those minutes notes it; five are taken, against steps of the clock.
-- The rows, the notes and the cells are read and written by one statement, of one snapshot.
-- Locks: the organization's rollup. Errors: OB001 argument missing, OB002 fewer than one row.
CREATE OR REPLACE FUNCTION public.roll_up_usage(p_org_id uuid, p_rows bigint)
RETURNS TABLE (o_rows bigint, o_more boolean)
LANGUAGE plpgsql
AS $$
DECLARE
    v_xid bigint := pg_current_xact_id()::text::bigint;
    v_rollup public.credit_usage_rollups;
    v_from timestamptz;
    v_until timestamptz;
    v_next timestamptz;
BEGIN
    IF p_org_id IS NULL OR p_rows IS NULL THEN
        RAISE EXCEPTION 'an organization and a number of rows are needed' USING ERRCODE = 'OB001';
    END IF;
    IF p_rows < 1 THEN
        RAISE EXCEPTION 'at least one row' USING ERRCODE = 'OB002';
    END IF;
    INSERT INTO public.credit_usage_rollups (org_id, candidate_at, candidate_xid)
    VALUES (p_org_id, now(), v_xid)
    ON CONFLICT (org_id) DO NOTHING;
    SELECT rollup.* INTO STRICT v_rollup FROM public.credit_usage_rollups AS rollup
    WHERE rollup.org_id = p_org_id FOR UPDATE;

    IF v_rollup.candidate_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint THEN
        v_rollup.safe_until := greatest(v_rollup.safe_until, v_rollup.candidate_at - interval '5 minutes');
        v_rollup.candidate_at := now();
        v_rollup.candidate_xid := v_xid;
    ELSIF v_rollup.candidate_xid > v_xid THEN
        -- Numbered by another server, whose backup this is.
        v_rollup.candidate_at := now();
        v_rollup.candidate_xid := v_xid;
    END IF;

    v_from := coalesce(v_rollup.rolled_until, '-infinity');
    v_until := greatest(v_from, coalesce(v_rollup.safe_until, '-infinity'));
    SELECT u.created_at INTO v_next FROM public.credit_usage_attribution AS u
    WHERE u.org_id = p_org_id AND u.created_at >= v_from AND u.created_at < v_until
    ORDER BY u.created_at, u.id OFFSET p_rows LIMIT 1;
    IF FOUND THEN
        o_more := true;
        IF NOT EXISTS (
            SELECT 1 FROM public.credit_usage_attribution AS u
            WHERE u.org_id = p_org_id AND u.created_at >= v_from AND u.created_at < v_next
        ) THEN
            -- More rows of one moment than are asked for: a moment is never parted.
            SELECT u.created_at INTO v_next FROM public.credit_usage_attribution AS u
            WHERE u.org_id = p_org_id AND u.created_at > v_next AND u.created_at < v_until
            ORDER BY u.created_at, u.id LIMIT 1;
        END IF;
        v_until := coalesce(v_next, v_until);
    END IF;

    WITH noted AS (
        DELETE FROM public.credit_usage_late AS late
        WHERE late.org_id = p_org_id AND late.created_at < v_until AND (
            late.created_at >= v_from OR (late.created_at, late.usage_id) IN (
                SELECT old.created_at, old.usage_id FROM public.credit_usage_late AS old
                WHERE old.org_id = p_org_id AND old.created_at < v_from
                ORDER BY old.created_at, old.usage_id LIMIT p_rows
            )
        )
        RETURNING late.created_at, late.usage_id
    ),
    taken AS MATERIALIZED (
        SELECT u.created_at, u.service_name, u.user_id, u.credits_used, u.refund_of_id
        FROM public.credit_usage_attribution AS u
        WHERE u.org_id = p_org_id AND u.created_at >= v_from AND u.created_at < v_until
        UNION ALL
        SELECT u.created_at, u.service_name, u.user_id, u.credits_used, u.refund_of_id
        FROM noted
        JOIN public.credit_usage_attribution AS u ON u.org_id = p_org_id AND u.id = noted.usage_id
        WHERE noted.created_at < v_from
    ),
    by_service AS (
        INSERT INTO public.credit_usage_by_service AS cell (org_id, grain, starts_at, service_name, credits, requests)
        SELECT p_org_id, g.grain, date_trunc(g.grain, t.created_at, 'UTC'), t.service_name, sum(t.credits_used),
            count(*) FILTER (WHERE t.refund_of_id IS NULL)
        FROM taken AS t CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
        GROUP BY 2, 3, 4
        ON CONFLICT (org_id, grain, starts_at, service_name) DO UPDATE
        SET credits = cell.credits + EXCLUDED.credits, requests = cell.requests + EXCLUDED.requests
    ),
    by_user AS (
        INSERT INTO public.credit_usage_by_user AS cell (org_id, grain, starts_at, user_id, credits, requests)
        SELECT p_org_id, g.grain, date_trunc(g.grain, t.created_at, 'UTC'), t.user_id, sum(t.credits_used),
            count(*) FILTER (WHERE t.refund_of_id IS NULL)
        FROM taken AS t CROSS JOIN (VALUES ('hour'), ('day')) AS g (grain)
        GROUP BY 2, 3, 4
        ON CONFLICT (org_id, grain, starts_at, user_id) DO UPDATE
        SET credits = cell.credits + EXCLUDED.credits, requests = cell.requests + EXCLUDED.requests
    )
    SELECT count(*) INTO o_rows FROM taken;

    UPDATE public.credit_usage_rollups AS rollup
    SET rolled_until = nullif(v_until, '-infinity'),
        safe_until = v_rollup.safe_until,
        candidate_at = v_rollup.candidate_at,
        candidate_xid = v_rollup.candidate_xid
    WHERE rollup.org_id = p_org_id;
    o_more := coalesce(o_more, false) OR EXISTS (
        SELECT 1 FROM public.credit_usage_late AS late WHERE late.org_id = p_org_id AND late.created_at < v_until
    );
    RETURN NEXT;
END
$$;
