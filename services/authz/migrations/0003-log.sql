-- Every change reaches the log from here, whoever makes it: the API, a command or plain SQL. Each row of the four
-- kinds has a version that rises by one with every change, taken under the row's lock, so the log and every snapshot
-- agree which state is the newest. Secrets and their hashes are in no state.

CREATE FUNCTION authz.wire_time(value timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

CREATE FUNCTION authz.organisation_state(o authz.organisations) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('kind', 'organisation', 'id', o.id, 'slug', o.slug, 'name', o.name, 'parent', o.parent,
    'version', o.version, 'removed', o.removed)
$$;

CREATE FUNCTION authz.principal_state(p authz.principals) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('kind', 'principal', 'id', p.id, 'name', p.name, 'admin', p.admin AND NOT p.removed,
    'organisations', coalesce(
      (SELECT jsonb_agg(m.organisation ORDER BY m.organisation)
       FROM authz.organisation_members m WHERE m.principal = p.id), '[]'),
    'activeOrganisation', p.active_organisation,
    'groups', coalesce(
      (SELECT jsonb_agg(jsonb_build_object('organisation', g.organisation, 'group', g.name)
                        ORDER BY g.organisation, g.name)
       FROM authz.group_members g WHERE g.principal = p.id), '[]'),
    'version', p.version, 'removed', p.removed)
$$;

CREATE FUNCTION authz.credential_state(c authz.credentials) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('kind', 'credential', 'id', c.id, 'type', c.type, 'principal', c.principal,
    'scopes', c.scopes, 'expiresAt', authz.wire_time(c.expires_at), 'endedAt', authz.wire_time(c.ended_at),
    'version', c.version)
$$;

CREATE FUNCTION authz.policy_state(p authz.policies) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('kind', 'policy', 'target', p.target, 'id', p.id, 'version', p.version,
    'authorization', p.authorization_rules, 'properties', p.property_rules, 'roles', p.roles, 'removed', p.removed)
$$;

-- A change that changes nothing keeps its version and makes no event.
CREATE FUNCTION authz.count_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN NEW.version := 1;
  ELSIF NEW IS DISTINCT FROM OLD THEN NEW.version := OLD.version + 1;
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION authz.publish() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  state jsonb;
BEGIN
  IF TG_TABLE_NAME = 'organisations' THEN state := authz.organisation_state(NEW);
  ELSIF TG_TABLE_NAME = 'principals' THEN
    -- One statement can touch a principal several times before the first of these triggers fires. Only the newest
    -- version is told: versions in the log rise.
    IF EXISTS (SELECT FROM authz.principals p WHERE p.id = NEW.id AND p.version > NEW.version) THEN RETURN NULL; END IF;
    state := authz.principal_state(NEW);
  ELSIF TG_TABLE_NAME = 'credentials' THEN state := authz.credential_state(NEW);
  ELSE state := authz.policy_state(NEW);
  END IF;
  PERFORM outbox.enqueue(
    format('authz.%s.%s', state ->> 'kind', state ->> 'id'),
    state ->> 'id',
    outbox.provenance() || jsonb_build_object('kind', 'rights', 'state', state),
    NULL,
    NULL);
  RETURN NULL;
END $$;

-- Memberships are part of the principal's state: one new version of it per statement, however many rows.
CREATE FUNCTION authz.touch_principals() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND EXISTS (
    SELECT FROM changed
    WHERE (SELECT count(*) FROM authz.organisation_members m WHERE m.principal = changed.principal) > 100
      OR (SELECT count(*) FROM authz.group_members g WHERE g.principal = changed.principal) > 1000
  ) THEN
    RAISE EXCEPTION 'a principal has at most 100 organisations and 1000 groups' USING ERRCODE = 'TW003';
  END IF;
  UPDATE authz.principals SET version = version + 1 WHERE id IN (SELECT principal FROM changed);
  RETURN NULL;
END $$;

CREATE FUNCTION authz.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of authz.% would leave the log without an event', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'TW004', HINT = TG_ARGV[0];
END $$;

CREATE TRIGGER count_version BEFORE INSERT OR UPDATE ON authz.organisations
  FOR EACH ROW EXECUTE FUNCTION authz.count_version();
CREATE TRIGGER count_version BEFORE INSERT OR UPDATE ON authz.principals
  FOR EACH ROW EXECUTE FUNCTION authz.count_version();
CREATE TRIGGER count_version BEFORE INSERT OR UPDATE ON authz.credentials
  FOR EACH ROW EXECUTE FUNCTION authz.count_version();
CREATE TRIGGER count_version BEFORE INSERT OR UPDATE ON authz.policies
  FOR EACH ROW EXECUTE FUNCTION authz.count_version();

CREATE TRIGGER publish_created AFTER INSERT ON authz.organisations
  FOR EACH ROW EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_changed AFTER UPDATE ON authz.organisations
  FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_created AFTER INSERT ON authz.principals
  FOR EACH ROW EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_changed AFTER UPDATE ON authz.principals
  FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_created AFTER INSERT ON authz.credentials
  FOR EACH ROW EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_changed AFTER UPDATE ON authz.credentials
  FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_created AFTER INSERT ON authz.policies
  FOR EACH ROW EXECUTE FUNCTION authz.publish();
CREATE TRIGGER publish_changed AFTER UPDATE ON authz.policies
  FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION authz.publish();

CREATE TRIGGER publish_added AFTER INSERT ON authz.organisation_members REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION authz.touch_principals();
CREATE TRIGGER publish_taken AFTER DELETE ON authz.organisation_members REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION authz.touch_principals();
CREATE TRIGGER publish_added AFTER INSERT ON authz.group_members REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION authz.touch_principals();
CREATE TRIGGER publish_taken AFTER DELETE ON authz.group_members REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION authz.touch_principals();
CREATE TRIGGER refuse_update BEFORE UPDATE ON authz.organisation_members
  FOR EACH STATEMENT EXECUTE FUNCTION authz.refuse('delete the membership and insert another');
CREATE TRIGGER refuse_update BEFORE UPDATE ON authz.group_members
  FOR EACH STATEMENT EXECUTE FUNCTION authz.refuse('delete the membership and insert another');
