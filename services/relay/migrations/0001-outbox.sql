-- The outbox: what was written and is not yet in the event log. Owned by the relay; filled by triggers of the other
-- schemas through outbox.enqueue, in the writer's own transaction; emptied by the relay alone.

CREATE SCHEMA IF NOT EXISTS outbox;

CREATE TABLE outbox.rows (
  -- Taken by a trigger under the lock of the written row, without cache: rows of one key have rising ids in the
  -- order of their commits. Never an identity: after a crash of a server with synchronous_commit = off the same
  -- number can come again.
  id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  -- The identity of the row, also in the log.
  uuid uuid NOT NULL DEFAULT gen_random_uuid(),
  -- Which transaction wrote it: a huge one must not make the others wait.
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  subject text NOT NULL CHECK (
    subject ~ '^events\.[a-z0-9_-]+\.[a-z0-9_-]+\.[a-z0-9_-]+\.[a-z0-9_-]+\.(created|updated|deleted)$'
    OR subject ~ '^authz\.(policy|organisation|principal|credential)\.[a-z0-9_-]+$'
    OR subject ~ '^catalogue\.(register|schema)\.[a-z0-9_-]+$'
  ),
  -- Rows of one key are published in the order of their ids.
  key text NOT NULL,
  -- Size of the payload in the log.
  bytes integer NOT NULL,
  -- The payload as JSON text, so that nobody has to parse it on the way: `images` are the members `before` and
  -- `after`, kept apart because they are left out when the whole does not fit into the log. Null: it has none.
  message text NOT NULL,
  images text
) WITH (
  -- Every row is dead soon after it was written; the default would let them pile up.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_threshold = -1,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 1000,
  toast.autovacuum_vacuum_cost_delay = 0
);

-- "Is there an earlier row of this key?"
CREATE INDEX rows_key_id ON outbox.rows (key, id);

-- How far the log goes, written in the commit that deletes the published rows.
CREATE TABLE outbox.relay_state (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- '00000000': there is no log yet.
  epoch text NOT NULL DEFAULT '00000000' CHECK (epoch ~ '^[0-9a-z]{8}$'),
  sequence bigint NOT NULL DEFAULT 0 CHECK (sequence >= 0),
  -- The outbox row that is the message at this sequence; null at the beginning of an epoch.
  row_uuid uuid
) WITH (
  -- Room for new versions of the one row in its page: no index entry per batch.
  fillfactor = 10,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500,
  autovacuum_vacuum_cost_delay = 0
);
INSERT INTO outbox.relay_state DEFAULT VALUES;

-- Adds an event. `message` is the log payload without `before` and `after`; an object's event has both, null or not.
CREATE FUNCTION outbox.enqueue(subject text, key text, message jsonb, before jsonb, after jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_text text := message::text;
  images_text text := CASE WHEN message ->> 'kind' = 'object' THEN
    '"before": ' || coalesce(before::text, 'null') || ', "after": ' || coalesce(after::text, 'null') END;
BEGIN
  INSERT INTO outbox.rows (subject, key, bytes, message, images)
  VALUES (
    enqueue.subject,
    enqueue.key,
    octet_length(message_text) + coalesce(octet_length(images_text) + 2, 0),
    message_text,
    images_text
  );
END $$;

-- Who writes, for the members `time`, `actor`, `correlationId` and `traceparent` of a message. Services set the
-- settings for their transaction; whoever writes plain SQL may, and is named by the role otherwise.
CREATE FUNCTION outbox.provenance() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  actor_text text := nullif(current_setting('tidewire.actor', true), '');
  given jsonb;
  actor_id text;
  organisation text;
BEGIN
  IF actor_text IS JSON OBJECT THEN
    given := actor_text::jsonb;
    IF given -> 'id' IS NOT NULL AND jsonb_typeof(given -> 'id') = 'string' THEN
      actor_id := given ->> 'id';
      organisation := given ->> 'organisation';
    END IF;
  END IF;
  actor_id := left(coalesce(actor_id, actor_text, 'sql:' || session_user), 200);
  IF organisation !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN organisation := NULL; END IF;
  RETURN jsonb_build_object(
    'time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'actor', jsonb_build_object(
      'id', actor_id,
      'name', left(coalesce(CASE WHEN jsonb_typeof(given -> 'name') = 'string' THEN given ->> 'name' END, actor_id), 200),
      'organisation', organisation
    ),
    'correlationId', left(nullif(current_setting('tidewire.correlation_id', true), ''), 128),
    'traceparent', left(nullif(current_setting('tidewire.traceparent', true), ''), 128)
  );
END $$;

-- The place in the log that the caller's snapshot includes: read it in the statement that reads the data.
CREATE FUNCTION outbox.position() RETURNS TABLE (epoch text, sequence bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.epoch, s.sequence FROM outbox.relay_state s
$$;

-- About how many bytes wait, cheap enough to ask every second: services refuse writes when it is too much. The size
-- of the files is an upper bound, which stays high for a while after a large backlog is gone; only then are pages
-- read: all of them, or about 500 when there are more.
CREATE FUNCTION outbox.size_bytes() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  files bigint := pg_total_relation_size('outbox.rows');
  pages bigint := pg_relation_size('outbox.rows') / current_setting('block_size')::int;
  percent real := least(100, 100.0 * 500 / greatest(pages, 1));
  sampled bigint;
BEGIN
  -- The smallest limit that a service takes.
  IF files < 1024 * 1024 THEN RETURN files; END IF;
  SELECT coalesce(sum(bytes), 0) * 100 / percent INTO sampled FROM outbox.rows TABLESAMPLE SYSTEM (percent);
  RETURN least(files, sampled);
END $$;

REVOKE ALL ON FUNCTION outbox.enqueue(text, text, jsonb, jsonb, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION outbox.provenance() FROM PUBLIC;
REVOKE ALL ON FUNCTION outbox.position() FROM PUBLIC;
REVOKE ALL ON FUNCTION outbox.size_bytes() FROM PUBLIC;

-- The relay deletes what it published and never writes a row; the others call functions and see no table.
GRANT USAGE ON SCHEMA outbox TO tidewire_relay, tidewire_records, tidewire_authz;
GRANT SELECT, DELETE ON outbox.rows TO tidewire_relay;
GRANT SELECT, UPDATE (epoch, sequence, row_uuid) ON outbox.relay_state TO tidewire_relay;
GRANT EXECUTE ON FUNCTION outbox.position(), outbox.size_bytes() TO tidewire_relay, tidewire_records, tidewire_authz;
