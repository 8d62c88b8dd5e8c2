-- Besides API tokens: sessions of browsers, passwords, and access tokens of issuers. All of them are credentials, so
-- their end is told to the log, and to every open stream, by what already does so for tokens.

-- A password is found by its principal and has no hash that could be looked up.
ALTER TABLE authz.credentials
  DROP CONSTRAINT credentials_type_check,
  ADD CONSTRAINT credential_type CHECK (type IN ('token', 'session', 'password', 'access-token')),
  ALTER COLUMN hash DROP NOT NULL,
  ADD CONSTRAINT credential_secret CHECK ((hash IS NULL) = (type = 'password'));
CREATE UNIQUE INDEX credential_password ON authz.credentials (principal) WHERE type = 'password' AND ended_at IS NULL;

-- A session may get another secret while it goes on; nothing else may.
CREATE OR REPLACE FUNCTION authz.keep_credential() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.type, NEW.principal, NEW.prefix, NEW.created_at)
      IS DISTINCT FROM (OLD.id, OLD.type, OLD.principal, OLD.prefix, OLD.created_at)
    OR (NEW.hash IS DISTINCT FROM OLD.hash AND OLD.type <> 'session')
    OR (OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD)
  THEN
    RAISE EXCEPTION 'a credential keeps its identity, and one that ended stays as it is' USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

CREATE TABLE authz.passwords (
  credential uuid PRIMARY KEY REFERENCES authz.credentials ON DELETE CASCADE,
  -- Algorithm, parameters, salt and hash, as the Argon2 reference writes them.
  phc text NOT NULL CHECK (phc LIKE '$argon2id$%' AND octet_length(phc) <= 256)
);

-- `latest_end`: however much a session is used, it is over then.
CREATE TABLE authz.sessions (
  credential uuid PRIMARY KEY REFERENCES authz.credentials ON DELETE CASCADE,
  latest_end timestamptz(3) NOT NULL,
  address text NOT NULL CHECK (octet_length(address) BETWEEN 1 AND 64)
);

-- Secrets of sessions from before a rotation. One that comes after `usable_until` was stolen, or its successor was.
CREATE TABLE authz.retired_secrets (
  hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  credential uuid NOT NULL REFERENCES authz.credentials ON DELETE CASCADE,
  usable_until timestamptz(3) NOT NULL
);
CREATE INDEX retired_secrets_credential ON authz.retired_secrets (credential, usable_until);

-- When a credential was used last, to the minute. Apart from the credential: it is no change of rights.
CREATE TABLE authz.credential_uses (
  credential uuid PRIMARY KEY REFERENCES authz.credentials ON DELETE CASCADE,
  used_at timestamptz(3) NOT NULL
);

-- How much each source of failed logins has used up: it has nothing left until `free_at` is near. All replicas count
-- here. What a crash loses is a few attempts.
CREATE UNLOGGED TABLE authz.login_attempts (
  source bytea PRIMARY KEY CHECK (octet_length(source) = 32),
  free_at timestamptz(3) NOT NULL
);
CREATE INDEX login_attempts_free ON authz.login_attempts (free_at);

-- Of what has ended no secret is kept.
CREATE FUNCTION authz.forget_secrets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM authz.passwords WHERE credential = NEW.id;
  DELETE FROM authz.retired_secrets WHERE credential = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_secrets AFTER UPDATE ON authz.credentials
  FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL) EXECUTE FUNCTION authz.forget_secrets();
ALTER TABLE authz.credentials ENABLE ALWAYS TRIGGER forget_secrets;

-- The only way to another secret, and of sessions only. False when there is no such session in force.
CREATE FUNCTION authz.rotate_session(session uuid, new_hash bytea, at timestamptz, grace_end timestamptz)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  most_retired constant integer := 50;
  old_hash bytea;
BEGIN
  SELECT c.hash INTO old_hash FROM authz.credentials c
  WHERE c.id = session AND c.type = 'session' AND c.ended_at IS NULL AND c.expires_at > at FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO authz.retired_secrets (hash, credential, usable_until) VALUES (old_hash, session, grace_end);
  -- More rotations than fit into the grace of one are forgotten: their secrets are then unknown ones.
  DELETE FROM authz.retired_secrets r WHERE r.hash IN (
    SELECT o.hash FROM authz.retired_secrets o WHERE o.credential = session
    ORDER BY o.usable_until DESC, o.hash OFFSET most_retired);
  UPDATE authz.credentials SET hash = new_hash WHERE id = session;
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION authz.forget_secrets(), authz.rotate_session(uuid, bytea, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.rotate_session(uuid, bytea, timestamptz, timestamptz) TO tidewire_authz;
GRANT UPDATE (expires_at) ON authz.credentials TO tidewire_authz;
GRANT SELECT, INSERT ON authz.passwords, authz.sessions TO tidewire_authz;
GRANT SELECT ON authz.retired_secrets TO tidewire_authz;
GRANT SELECT, INSERT, UPDATE ON authz.credential_uses TO tidewire_authz;
GRANT SELECT, INSERT, UPDATE, DELETE ON authz.login_attempts TO tidewire_authz;
