-- A UUID version 7 (RFC 9562, section 5.7) for a row that a function adds by itself. PostgreSQL has uuidv7() from 18 on.
-- The first 48 bits are milliseconds, the 12 after the version the part of a millisecond that has passed (section 6.2,
-- method 3): what one transaction adds one after the other is in that order.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.time_ordered_id() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT encode(
        overlay(
            overlay(
                uuid_send(gen_random_uuid()) PLACING substring(int8send(clock.us / 1000) FROM 3) FROM 1 FOR 6
            )
            PLACING int2send((28672 + (clock.us % 1000) * 4096 / 1000)::smallint) FROM 7 FOR 2
        ),
        'hex'
    )::uuid
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us) AS clock
$$;
