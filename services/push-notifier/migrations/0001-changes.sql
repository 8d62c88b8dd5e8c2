-- Who is told of changes while nobody is looking, and under which topics something changed for them.

CREATE SCHEMA IF NOT EXISTS push;

-- Everybody who ever asked for changes, or was connected. `seen_at`: the last time that they did.
CREATE TABLE push.followers (
  principal text PRIMARY KEY CHECK (principal <> ''),
  since timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row. Who changes the set of followers raises the number; who judges events for them holds the row until it has written
-- what it found, so that nobody becomes a follower in between and is passed over.
CREATE TABLE push.follower_set (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  version bigint NOT NULL
);
INSERT INTO push.follower_set (version) VALUES (1);

-- The newest change of each topic for each follower. `sequence` is that of the event; `dismissed` the one up to which the
-- follower has dealt with the topic as a notification, whose id is another one after that.
CREATE SEQUENCE push.notification_ids AS bigint;
CREATE TABLE push.changes (
  principal text NOT NULL REFERENCES push.followers ON DELETE CASCADE,
  topic text NOT NULL,
  epoch text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  notification bigint NOT NULL DEFAULT nextval('push.notification_ids'),
  dismissed bigint NOT NULL DEFAULT -1,
  PRIMARY KEY (principal, topic)
) WITH (fillfactor = 70);

-- What a follower may see of a schema, as of the last change of rights that was dealt with: a digest that differs when it does.
CREATE TABLE push.sights (
  principal text NOT NULL REFERENCES push.followers ON DELETE CASCADE,
  schema_id uuid NOT NULL,
  digest text NOT NULL,
  -- Rights as of this sequence: a replica that is behind does not take it back.
  sequence bigint NOT NULL,
  PRIMARY KEY (principal, schema_id)
);

-- One row: what was dealt with. Of what came up to `since` it is not known what changed: whoever comes back from before, or from
-- another log, fetches everything. Everything up to `done` was dealt with, and perhaps more.
CREATE TABLE push.progress (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  epoch text NOT NULL,
  since bigint NOT NULL,
  done bigint NOT NULL
);

GRANT USAGE ON SCHEMA push TO tidewire_push;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA push TO tidewire_push;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA push TO tidewire_push;
