-- Devices that are woken up when something changed for their owners, and what they are still to be told.

CREATE TABLE push.devices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  principal text NOT NULL REFERENCES push.followers ON DELETE CASCADE,
  -- The token that registered it, with which it goes. Null: it was a session or a password, which end sooner than one has a device.
  credential uuid,
  kind text NOT NULL CHECK (kind IN ('web-push', 'unified-push')),
  name text,
  endpoint text NOT NULL CHECK (length(endpoint) <= 2000),
  -- That of the endpoint, for what each push service may take of the sender's time.
  host text NOT NULL,
  p256dh text NOT NULL,
  auth text NOT NULL,
  topics text[] NOT NULL CHECK (cardinality(topics) BETWEEN 1 AND 50),
  quiet_from time,
  quiet_until time,
  quiet_zone text,
  max_per_hour integer NOT NULL DEFAULT 30 CHECK (max_per_hour BETWEEN 1 AND 120),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When a message was sent last, and when one was taken last.
  attempted_at timestamptz,
  last_delivered_at timestamptz,
  tested_at timestamptz,
  -- Messages in a row that were given up.
  failures integer NOT NULL DEFAULT 0,
  -- Raised by its owner's changes only: who found that the old subscription is gone leaves the new one alone.
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT device_endpoint UNIQUE (endpoint),
  CHECK (num_nonnulls(quiet_from, quiet_until, quiet_zone) IN (0, 3)),
  CHECK (quiet_from <> quiet_until)
);
CREATE INDEX device_principal ON push.devices (principal);

-- One row for each device that is to be told something: what changes until it is told comes with it. While somebody sends it,
-- `due_at` is when the others take it for lost, and what more comes leaves it alone: by it the sender knows the row for its own.
CREATE TABLE push.device_wakeups (
  device uuid PRIMARY KEY REFERENCES push.devices ON DELETE CASCADE,
  due_at timestamptz NOT NULL,
  attempt integer NOT NULL DEFAULT 0,
  first_at timestamptz,
  -- Everything that it is about came after this place in the log.
  since_epoch text COLLATE "C" NOT NULL,
  since_sequence bigint NOT NULL,
  -- Null: more than are worth naming.
  topics text[] CHECK (cardinality(topics) <= 20),
  -- Raised by each change that comes: who has sent the row of before does not delete what is new in it.
  version bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
CREATE INDEX device_wakeup_due ON push.device_wakeups (due_at);

-- What was given up, for operators; forgotten after a while.
CREATE TABLE push.dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device uuid NOT NULL,
  principal text NOT NULL,
  reason text NOT NULL,
  attempts integer NOT NULL,
  first_at timestamptz NOT NULL,
  given_up_at timestamptz NOT NULL
);
CREATE INDEX dead_letter_given_up ON push.dead_letters (given_up_at);

-- The key pair by which push services know this server (RFC 8292). One row, made by whoever is first: subscriptions are bound to it.
CREATE TABLE push.vapid_keys (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  public_key text NOT NULL,
  private_key text NOT NULL
);

-- The end of the quiet hours that a time is in; the time itself when it is in none.
CREATE FUNCTION push.after_quiet(at timestamptz, quiet_from time, quiet_until time, quiet_zone text)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
  local timestamp;
  clock time;
BEGIN
  IF quiet_from IS NULL OR quiet_until IS NULL OR quiet_zone IS NULL THEN
    RETURN at;
  END IF;
  local := at AT TIME ZONE quiet_zone;
  clock := local::time;
  IF quiet_from < quiet_until AND (clock < quiet_from OR clock >= quiet_until)
     OR quiet_from > quiet_until AND clock < quiet_from AND clock >= quiet_until THEN
    RETURN at;
  END IF;
  local := local::date + quiet_until;
  IF clock >= quiet_until THEN
    local := local + interval '1 day';
  END IF;
  -- Where clocks are put back, a time of the day comes twice.
  RETURN greatest(at, local AT TIME ZONE quiet_zone);
EXCEPTION
  -- A zone that another release of the database does not know any more must not keep everybody else's changes from being written.
  WHEN invalid_parameter_value THEN
    RETURN at;
END
$$;

-- When a device that is to be told something from `at` on may be told: so many an hour, and not in its quiet hours.
CREATE FUNCTION push.wake_at(device push.devices, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT push.after_quiet(
    greatest(at, device.attempted_at + interval '1 hour' / device.max_per_hour),
    device.quiet_from, device.quiet_until, device.quiet_zone)
$$;

-- Topics of two messages in one; null when there are more than a message names.
CREATE FUNCTION push.merge_topics(one text[], other text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN one IS NOT NULL AND other IS NOT NULL AND count(*) <= 20 THEN array_agg(topic ORDER BY topic) END
  FROM (SELECT DISTINCT topic FROM unnest(one || other) AS u (topic)) AS topics
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON push.devices, push.device_wakeups, push.dead_letters TO tidewire_push;
GRANT SELECT, INSERT ON push.vapid_keys TO tidewire_push;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA push TO tidewire_push;
