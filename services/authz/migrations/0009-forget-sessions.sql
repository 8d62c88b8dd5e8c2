-- Sessions that ended a day ago are forgotten as access tokens are: every reader of the log was told of the end, and an
-- id is random and never used again. People log in for years; API tokens and passwords are few and stay.

CREATE INDEX credentials_ended_sessions ON authz.credentials (ended_at) WHERE type = 'session' AND ended_at IS NOT NULL;

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
