-- Sessions that ended a day ago are forgotten as access tokens are: every reader of the log was told of the end, and an
-- id is random and never used again. People log in for years; API tokens and passwords are few and stay.

CREATE INDEX credentials_ended_sessions ON authz.credentials (ended_at) WHERE type = 'session' AND ended_at IS NOT NULL;

CREATE OR REPLACE FUNCTION authz.bury_credential() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kept_for constant interval := '1 day';
BEGIN
  IF OLD.ended_at < clock_timestamp() - kept_for AND (
    OLD.type = 'session'
    OR EXISTS (
      SELECT FROM authz.access_tokens t
      WHERE t.credential = OLD.id AND t.forgettable_at < clock_timestamp() - kept_for
    )
  ) THEN RETURN OLD; END IF;
  UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = OLD.id AND ended_at IS NULL;
  RETURN NULL;
END $$;

-- Oldest first. Replicas take different ones.
CREATE FUNCTION authz.forget_sessions(as_of timestamptz, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  forgotten integer;
BEGIN
  DELETE FROM authz.credentials WHERE id IN (
    SELECT c.id FROM authz.credentials c
    WHERE c.type = 'session' AND c.ended_at < as_of - interval '1 day'
    ORDER BY c.ended_at LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;

REVOKE ALL ON FUNCTION authz.forget_sessions(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.forget_sessions(timestamptz, integer) TO tidewire_authz;
