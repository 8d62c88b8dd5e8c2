-- Who there is and who may do what. Owned by authz; nobody else reads or writes it. What is removed or has ended stays
-- as a row: its version must not begin again, and the log's readers have to be told.

CREATE SCHEMA IF NOT EXISTS authz;

-- Length as the wire counts it: characters outside the first plane are two. A longer name would be a message that no
-- reader of the log accepts.
CREATE FUNCTION authz.wire_length(value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT char_length(value) + char_length(regexp_replace(value, '[^\U00010000-\U0010FFFF]', '', 'g'))
$$;

CREATE FUNCTION authz.is_slug(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT value ~ '^[a-z0-9][a-z0-9_-]{0,62}$'
$$;

CREATE TABLE authz.organisations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  slug text NOT NULL CONSTRAINT organisation_slug UNIQUE CHECK (authz.is_slug(slug)),
  name text NOT NULL CHECK (authz.wire_length(name) <= 200),
  parent uuid CONSTRAINT organisation_parent REFERENCES authz.organisations,
  version bigint NOT NULL DEFAULT 1,
  removed boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX organisations_parent ON authz.organisations (parent);

CREATE TABLE authz.principals (
  id text PRIMARY KEY CHECK (authz.is_slug(id)),
  name text NOT NULL CHECK (authz.wire_length(name) <= 200),
  admin boolean NOT NULL DEFAULT false,
  active_organisation uuid,
  version bigint NOT NULL DEFAULT 1,
  removed boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE authz.organisation_members (
  principal text NOT NULL REFERENCES authz.principals,
  organisation uuid NOT NULL CONSTRAINT member_organisation REFERENCES authz.organisations,
  PRIMARY KEY (principal, organisation)
);
CREATE INDEX organisation_members_organisation ON authz.organisation_members (organisation);

-- The active organisation is one of the principal's own.
ALTER TABLE authz.principals ADD CONSTRAINT principal_active_organisation
  FOREIGN KEY (id, active_organisation) REFERENCES authz.organisation_members (principal, organisation)
  ON DELETE SET NULL (active_organisation);

-- A group belongs to one organisation and has only members of it. The names that mean something by themselves are
-- nobody's to create: a group `admin` would be read as the power over everything.
CREATE TABLE authz.group_members (
  principal text NOT NULL,
  organisation uuid NOT NULL,
  name text NOT NULL
    CHECK (authz.wire_length(name) BETWEEN 1 AND 128)
    CONSTRAINT group_name_reserved CHECK (name NOT IN ('admin', 'public', 'authenticated')),
  PRIMARY KEY (principal, organisation, name),
  CONSTRAINT group_member FOREIGN KEY (principal, organisation)
    REFERENCES authz.organisation_members (principal, organisation) ON DELETE CASCADE
);
CREATE INDEX group_members_group ON authz.group_members (organisation, name);

-- Secrets are 256 random bits, so a plain hash cannot be reversed and finding one by its hash takes the same time
-- whatever was guessed. `prefix` is for people who look for a token in a list.
CREATE TABLE authz.credentials (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  type text NOT NULL CHECK (type IN ('token', 'session')),
  principal text NOT NULL CONSTRAINT credential_principal REFERENCES authz.principals,
  name text NOT NULL CHECK (authz.wire_length(name) <= 200),
  prefix text NOT NULL CHECK (octet_length(prefix) <= 8),
  hash bytea NOT NULL CONSTRAINT credential_hash UNIQUE CHECK (octet_length(hash) = 32),
  scopes jsonb,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz(3),
  ended_at timestamptz(3)
);
CREATE INDEX credentials_principal ON authz.credentials (principal);
CREATE INDEX credentials_expiring ON authz.credentials (expires_at) WHERE ended_at IS NULL AND expires_at IS NOT NULL;

-- `id` is the register's or schema's.
CREATE TABLE authz.policies (
  id uuid PRIMARY KEY,
  target text NOT NULL CHECK (target IN ('register', 'schema')),
  authorization_rules jsonb,
  property_rules jsonb NOT NULL DEFAULT '{}',
  roles jsonb NOT NULL DEFAULT '[]',
  version bigint NOT NULL DEFAULT 1,
  removed boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
