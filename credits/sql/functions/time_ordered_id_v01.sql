-- A UUID version 7 (RFC 9562, section 5.7) for a row that a function adds by itself. PostgreSQL has uuidv7() from 18 on.
-- Bits 48 to 51 turn version 4 into version 7; the first 48 are milliseconds.
-- Locks: none. Errors: none.
CREATE OR REPLACE FUNCTION public.time_ordered_id() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid
$$;
