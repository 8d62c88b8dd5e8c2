-- Webhooks: who wants which events posted where, how far each one is, and what became of the attempts. Events themselves are
-- never here: each attempt reads them anew from the log, as their owner may see them then.

-- Processes that deliver. A process that has not been heard of until `alive_until` has lost what it holds.
CREATE TABLE push.webhook_workers (
  instance text PRIMARY KEY CHECK (instance <> ''),
  alive_until timestamptz NOT NULL
);

CREATE TABLE push.webhooks (
  id uuid PRIMARY KEY,
  principal text NOT NULL CHECK (principal <> ''),
  -- The token, or the limited credential, that registered it: the webhook is limited alike and ends with it. NULL: a session did.
  credential uuid,
  name text NOT NULL,
  url text NOT NULL,
  topics text[] NOT NULL CHECK (cardinality(topics) BETWEEN 1 AND 50),
  filter jsonb,
  fields text[] CHECK (cardinality(fields) > 0),
  mode text NOT NULL CHECK (mode IN ('structured', 'binary')),
  -- Names in lower case -> values, which are secrets of the endpoint.
  headers jsonb NOT NULL,
  secret text NOT NULL,
  previous_secret text,
  previous_secret_until timestamptz,
  enabled boolean NOT NULL,
  disabled_reason text CHECK (NOT (enabled AND disabled_reason IS NOT NULL)),
  -- Rises with every change of the settings above.
  revision integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,

  -- The place in the log up to which everything was delivered, passed over, or not for the owner.
  epoch text NOT NULL,
  sequence bigint NOT NULL CHECK (sequence >= 0),
  -- The event that could not be delivered yet, how often that was tried, and since when.
  failing_event text,
  attempts integer NOT NULL DEFAULT 0,
  failing_since timestamptz,
  CHECK ((failing_event IS NULL) = (failing_since IS NULL)),
  -- In a row, over all events.
  failures integer NOT NULL DEFAULT 0,
  -- Not to be looked at before.
  due_at timestamptz NOT NULL,
  -- The process that delivers it now, and counts while that one is alive.
  holder text,

  delivered bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  dead bigint NOT NULL DEFAULT 0,
  -- The number of the newest delivery.
  log_number bigint NOT NULL DEFAULT 0
  -- Room on the page for the next version of a row: places move with every event.
) WITH (fillfactor = 70);
CREATE INDEX webhooks_of_principal ON push.webhooks (principal, created_at);
CREATE INDEX webhooks_due ON push.webhooks (due_at) WHERE enabled AND holder IS NULL;
CREATE INDEX webhooks_held ON push.webhooks (holder) WHERE holder IS NOT NULL;

-- The last attempts of each webhook; `number` counts them.
CREATE TABLE push.webhook_deliveries (
  webhook uuid NOT NULL REFERENCES push.webhooks ON DELETE CASCADE,
  number bigint NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  -- 0: asked for by hand.
  attempt integer NOT NULL,
  at timestamptz NOT NULL,
  duration_ms integer NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'dead', 'gone')),
  status integer,
  message text NOT NULL,
  answer text,
  PRIMARY KEY (webhook, number)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON push.webhook_workers, push.webhooks, push.webhook_deliveries TO tidewire_push;
