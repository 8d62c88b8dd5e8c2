-- Issuers of access tokens (OAuth 2, OpenID Connect), who their subjects are here, and what they say of them. An issuer
-- gives memberships of its own: a mark says which, so that withdrawing them leaves alone what was given here.

CREATE FUNCTION authz.is_claim(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_typeof(value) = 'string' AND authz.wire_length(value #>> '{}') BETWEEN 1 AND 200, false)
$$;

CREATE FUNCTION authz.is_uuid(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_typeof(value) = 'string' AND
    value #>> '{}' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$', false)
$$;

-- Whether what is mapped has the form that the API gives it; a group that means something by itself is never mapped.
CREATE FUNCTION authz.are_issuer_claims(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN jsonb_typeof(value) <> 'object' THEN false ELSE
    value - '{name,organisation,groups}'::text[] = '{}'
    AND (NOT value ? 'name' OR authz.is_claim(value -> 'name'))
    AND NOT EXISTS (
      SELECT FROM jsonb_each(value) AS member
      WHERE member.key IN ('organisation', 'groups') AND NOT CASE
        WHEN jsonb_typeof(member.value) <> 'object' OR jsonb_typeof(member.value -> 'map') IS DISTINCT FROM 'object'
        THEN false
        ELSE member.value - '{claim,map}'::text[] = '{}'
          AND authz.is_claim(member.value -> 'claim')
          AND NOT EXISTS (
            SELECT FROM jsonb_each(member.value -> 'map') AS entry
            WHERE NOT CASE member.key
              WHEN 'organisation' THEN authz.is_uuid(entry.value)
              ELSE jsonb_typeof(entry.value) = 'object'
                AND entry.value - '{organisation,group}'::text[] = '{}'
                AND authz.is_uuid(entry.value -> 'organisation')
                AND coalesce(authz.is_group(entry.value -> 'group'), false)
                AND entry.value ->> 'group' NOT IN ('admin', 'public', 'authenticated')
            END)
        END)
  END
$$;

CREATE TABLE authz.issuers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- Stands in the ids of principals: never used again, not even after removal, and short enough for what follows it.
  slug text NOT NULL CONSTRAINT issuer_slug UNIQUE CHECK (authz.is_slug(slug) AND length(slug) <= 42),
  issuer text NOT NULL CHECK (octet_length(issuer) <= 2000 AND issuer ~ '^https?://'),
  audiences text[] NOT NULL CHECK (
    cardinality(audiences) BETWEEN 1 AND 20 AND array_position(audiences, NULL) IS NULL
    AND array_position(audiences, '') IS NULL),
  organisations uuid[] NOT NULL CHECK (
    cardinality(organisations) <= 100 AND array_position(organisations, NULL) IS NULL),
  jwks_uri text CHECK (octet_length(jwks_uri) <= 2000 AND jwks_uri ~ '^https?://'),
  algorithms text[] NOT NULL CONSTRAINT issuer_algorithms CHECK (
    cardinality(algorithms) >= 1 AND algorithms <@ ARRAY['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256',
      'ES384', 'ES512', 'EdDSA', 'Ed25519']),
  clock_skew_ms integer NOT NULL CHECK (clock_skew_ms BETWEEN 0 AND 60000),
  max_token_age_ms bigint CHECK (max_token_age_ms BETWEEN 1000 AND 31536000000),
  claims jsonb NOT NULL DEFAULT '{}'
    CONSTRAINT issuer_claims CHECK (authz.are_issuer_claims(claims))
    CONSTRAINT issuer_claims_size CHECK (octet_length(claims::text) <= 131072),
  provisioning text NOT NULL CHECK (provisioning IN ('create', 'existing')),
  version bigint NOT NULL DEFAULT 1,
  removed boolean NOT NULL DEFAULT false,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX issuer_url ON authz.issuers (issuer) WHERE NOT removed;

-- Which principal a subject of an issuer is. `provisioned`: made at the first token, and named by the issuer.
-- `applied_at` is the `iat` of the token whose memberships are in force: an older token does not bring older ones back.
CREATE TABLE authz.identities (
  issuer uuid NOT NULL REFERENCES authz.issuers,
  subject text NOT NULL CHECK (octet_length(subject) BETWEEN 1 AND 255),
  principal text NOT NULL CONSTRAINT identity_principal REFERENCES authz.principals,
  provisioned boolean NOT NULL,
  applied_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (issuer, principal),
  CONSTRAINT identity_subject UNIQUE (issuer, subject)
);
CREATE INDEX identities_of_principal ON authz.identities (principal);

-- Memberships that stand because of an issuer. A membership without a mark was given here.
CREATE TABLE authz.issued_organisations (
  issuer uuid NOT NULL,
  principal text NOT NULL,
  organisation uuid NOT NULL,
  PRIMARY KEY (principal, organisation, issuer),
  FOREIGN KEY (issuer, principal) REFERENCES authz.identities (issuer, principal),
  FOREIGN KEY (principal, organisation)
    REFERENCES authz.organisation_members (principal, organisation) ON DELETE CASCADE
);
CREATE INDEX issued_organisations_issuer ON authz.issued_organisations (issuer, principal);

CREATE TABLE authz.issued_groups (
  issuer uuid NOT NULL,
  principal text NOT NULL,
  organisation uuid NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (principal, organisation, name, issuer),
  FOREIGN KEY (issuer, principal) REFERENCES authz.identities (issuer, principal),
  FOREIGN KEY (principal, organisation, name)
    REFERENCES authz.group_members (principal, organisation, name) ON DELETE CASCADE
);
CREATE INDEX issued_groups_issuer ON authz.issued_groups (issuer, principal);

-- A token that was seen is a credential, found by the hash of its whole text. `signed` is the hash of what its
-- signature is over: several signatures can be valid for the same token, and all of them are this one credential, which
-- ends once. `forgettable_at`: from then on the token would be refused even if nothing were known of it.
CREATE TABLE authz.access_tokens (
  credential uuid PRIMARY KEY REFERENCES authz.credentials ON DELETE CASCADE,
  issuer uuid NOT NULL REFERENCES authz.issuers,
  signed bytea NOT NULL CONSTRAINT access_token_signed UNIQUE CHECK (octet_length(signed) = 32),
  forgettable_at timestamptz(3) NOT NULL
);
CREATE INDEX access_tokens_issuer ON authz.access_tokens (issuer);
CREATE INDEX access_tokens_forgettable ON authz.access_tokens (forgettable_at);

CREATE FUNCTION authz.issuer_state(i authz.issuers) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('id', i.id, 'slug', i.slug, 'issuer', i.issuer, 'audiences', i.audiences,
    'organisations', i.organisations, 'jwksUri', i.jwks_uri, 'algorithms', i.algorithms,
    'clockSkewMs', i.clock_skew_ms, 'maxTokenAgeMs', i.max_token_age_ms, 'claims', i.claims,
    'provisioning', i.provisioning, 'version', i.version)
$$;

CREATE FUNCTION authz.keep_issuer() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.slug, NEW.issuer, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.slug, OLD.issuer, OLD.created_at)
    OR (OLD.removed AND NOT NEW.removed)
  THEN
    RAISE EXCEPTION 'id, slug and URL of an issuer never change, and a removed one stays removed'
      USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION authz.bury_issuer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.issuers SET removed = true WHERE id = OLD.id;
  RETURN NULL;
END $$;

-- Takes back memberships that one issuer gave: of one principal or, with NULL, of all, and not those that are listed.
-- What another issuer gives too stays. What was given here has no mark, so it is never found.
CREATE FUNCTION authz.withdraw_issued(of_issuer uuid, of_principal text, keep_organisations uuid[], keep_groups jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH taken AS (
    DELETE FROM authz.issued_groups m
    WHERE m.issuer = of_issuer AND (of_principal IS NULL OR m.principal = of_principal)
      AND NOT keep_groups @> jsonb_build_array(jsonb_build_object('organisation', m.organisation, 'group', m.name))
    RETURNING m.principal, m.organisation, m.name)
  DELETE FROM authz.group_members g USING taken t
  WHERE (g.principal, g.organisation, g.name) = (t.principal, t.organisation, t.name)
    AND NOT EXISTS (
      SELECT FROM authz.issued_groups other
      WHERE (other.principal, other.organisation, other.name) = (g.principal, g.organisation, g.name)
        AND other.issuer <> of_issuer);
  WITH taken AS (
    DELETE FROM authz.issued_organisations m
    WHERE m.issuer = of_issuer AND (of_principal IS NULL OR m.principal = of_principal)
      AND NOT m.organisation = ANY (keep_organisations)
    RETURNING m.principal, m.organisation)
  DELETE FROM authz.organisation_members o USING taken t
  WHERE (o.principal, o.organisation) = (t.principal, t.organisation)
    AND NOT EXISTS (
      SELECT FROM authz.issued_organisations other
      WHERE (other.principal, other.organisation) = (o.principal, o.organisation) AND other.issuer <> of_issuer);
END $$;

-- Whoever changes an issuer: no token that was judged by what it was before counts any longer, and what it cannot give
-- any more is taken back. A removed one can give nothing.
CREATE FUNCTION authz.after_issuer_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keep_organisations uuid[] := CASE WHEN NEW.removed THEN '{}' ELSE NEW.organisations END;
  keep_groups jsonb := '[]';
BEGIN
  UPDATE authz.credentials SET ended_at = clock_timestamp()
  WHERE ended_at IS NULL AND id IN (SELECT t.credential FROM authz.access_tokens t WHERE t.issuer = NEW.id);
  IF NOT NEW.removed AND jsonb_typeof(NEW.claims #> '{groups,map}') = 'object' THEN
    SELECT coalesce(jsonb_agg(entry.value), '[]') INTO keep_groups
    FROM jsonb_each(NEW.claims #> '{groups,map}') AS entry
    WHERE entry.value ->> 'organisation' = ANY (keep_organisations::text[]);
  END IF;
  PERFORM authz.withdraw_issued(NEW.id, NULL, keep_organisations, keep_groups);
  RETURN NULL;
END $$;

-- Who is not the issuer's subject any more keeps nothing that the issuer gave.
CREATE FUNCTION authz.before_unlinking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.credentials c SET ended_at = clock_timestamp()
  FROM authz.access_tokens t
  WHERE t.credential = c.id AND t.issuer = OLD.issuer AND c.principal = OLD.principal AND c.ended_at IS NULL;
  PERFORM authz.withdraw_issued(OLD.issuer, OLD.principal, '{}', '[]');
  RETURN OLD;
END $$;

-- The power over everything is given here and by nobody else: no issuer speaks for an administrator, so that whoever
-- runs an issuer is bound to its organisations.
CREATE FUNCTION authz.require_linkable() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM authz.principals p WHERE p.id = NEW.principal AND NOT p.removed FOR NO KEY UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such principal' USING ERRCODE = 'TW006'; END IF;
  PERFORM FROM authz.principals p WHERE p.id = NEW.principal AND p.admin;
  IF FOUND THEN
    RAISE EXCEPTION 'no issuer speaks for an administrator' USING ERRCODE = 'TW010';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION authz.after_admin_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.credentials SET ended_at = clock_timestamp()
  WHERE principal = NEW.id AND type = 'access-token' AND ended_at IS NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION authz.keep_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.issuer, NEW.subject, NEW.principal, NEW.provisioned, NEW.created_at)
      IS DISTINCT FROM (OLD.issuer, OLD.subject, OLD.principal, OLD.provisioned, OLD.created_at)
  THEN
    RAISE EXCEPTION 'who a subject is never changes: delete the identity and insert another' USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

-- An access token whose end every reader of the log was told a day ago, and that would be refused if nothing were known
-- of it, may be forgotten: its id is random and never used again, so no version begins anew. Everything else that is
-- deleted ends and stays.
CREATE OR REPLACE FUNCTION authz.bury_credential() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kept_for constant interval := '1 day';
BEGIN
  IF OLD.ended_at < clock_timestamp() - kept_for AND EXISTS (
    SELECT FROM authz.access_tokens t
    WHERE t.credential = OLD.id AND t.forgettable_at < clock_timestamp() - kept_for
  ) THEN RETURN OLD; END IF;
  UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = OLD.id AND ended_at IS NULL;
  RETURN NULL;
END $$;

-- The only way for the service to delete: those that may be forgotten, oldest first. Replicas take different ones.
CREATE FUNCTION authz.forget_access_tokens(as_of timestamptz, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  forgotten integer;
BEGIN
  DELETE FROM authz.credentials WHERE id IN (
    SELECT c.id FROM authz.access_tokens t JOIN authz.credentials c ON c.id = t.credential
    WHERE t.forgettable_at < as_of - interval '1 day' AND c.ended_at < as_of - interval '1 day'
    ORDER BY t.forgettable_at LIMIT most FOR UPDATE OF c SKIP LOCKED);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;

CREATE TRIGGER count_version BEFORE INSERT OR UPDATE ON authz.issuers
  FOR EACH ROW EXECUTE FUNCTION authz.count_version();
CREATE TRIGGER keep BEFORE UPDATE ON authz.issuers FOR EACH ROW EXECUTE FUNCTION authz.keep_issuer();
CREATE TRIGGER bury BEFORE DELETE ON authz.issuers FOR EACH ROW EXECUTE FUNCTION authz.bury_issuer();
CREATE TRIGGER changed AFTER UPDATE ON authz.issuers
  FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION authz.after_issuer_change();
CREATE TRIGGER linkable BEFORE INSERT ON authz.identities
  FOR EACH ROW EXECUTE FUNCTION authz.require_linkable();
CREATE TRIGGER keep BEFORE UPDATE ON authz.identities FOR EACH ROW EXECUTE FUNCTION authz.keep_identity();
CREATE TRIGGER unlinking BEFORE DELETE ON authz.identities
  FOR EACH ROW EXECUTE FUNCTION authz.before_unlinking();
CREATE TRIGGER administrator AFTER UPDATE ON authz.principals
  FOR EACH ROW WHEN (NEW.admin AND NOT OLD.admin) EXECUTE FUNCTION authz.after_admin_grant();

DO $$
DECLARE
  name text;
  trigger_name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['issuers', 'identities', 'issued_organisations', 'issued_groups', 'access_tokens'] LOOP
    EXECUTE format(
      'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON authz.%I FOR EACH STATEMENT EXECUTE FUNCTION authz.refuse(%L)',
      name, 'delete the rows instead');
    FOR trigger_name IN
      SELECT t.tgname FROM pg_catalog.pg_trigger t
      WHERE t.tgrelid = format('authz.%I', name)::regclass AND NOT t.tgisinternal
    LOOP
      EXECUTE format('ALTER TABLE authz.%I ENABLE ALWAYS TRIGGER %I', name, trigger_name);
    END LOOP;
  END LOOP;
END $$;
ALTER TABLE authz.principals ENABLE ALWAYS TRIGGER administrator;

REVOKE ALL ON FUNCTION
  authz.is_claim(jsonb), authz.is_uuid(jsonb), authz.are_issuer_claims(jsonb),
  authz.issuer_state(authz.issuers), authz.keep_issuer(), authz.bury_issuer(), authz.after_issuer_change(),
  authz.withdraw_issued(uuid, text, uuid[], jsonb), authz.before_unlinking(), authz.require_linkable(),
  authz.after_admin_grant(), authz.keep_identity(), authz.forget_access_tokens(timestamptz, integer)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  authz.is_claim(jsonb), authz.is_uuid(jsonb), authz.are_issuer_claims(jsonb), authz.issuer_state(authz.issuers),
  authz.withdraw_issued(uuid, text, uuid[], jsonb), authz.forget_access_tokens(timestamptz, integer)
TO tidewire_authz;
GRANT SELECT ON
  authz.issuers, authz.identities, authz.issued_organisations, authz.issued_groups, authz.access_tokens
TO tidewire_authz;
GRANT INSERT (slug, issuer, audiences, organisations, jwks_uri, algorithms, clock_skew_ms, max_token_age_ms, claims,
    provisioning),
  UPDATE (audiences, organisations, jwks_uri, algorithms, clock_skew_ms, max_token_age_ms, claims, provisioning, removed)
  ON authz.issuers TO tidewire_authz;
GRANT INSERT (issuer, subject, principal, provisioned, applied_at), UPDATE (applied_at), DELETE ON authz.identities
TO tidewire_authz;
GRANT INSERT, DELETE ON authz.issued_organisations, authz.issued_groups TO tidewire_authz;
GRANT INSERT ON authz.access_tokens TO tidewire_authz;
