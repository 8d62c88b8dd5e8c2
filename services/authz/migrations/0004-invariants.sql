-- What must hold whoever writes: identities do not change, what ended stays ended, organisations form trees.

CREATE FUNCTION authz.keep_organisation() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.slug, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.slug, OLD.created_at)
    OR (OLD.removed AND NOT NEW.removed)
  THEN
    RAISE EXCEPTION 'id and slug of an organisation never change, and a removed one stays removed'
      USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION authz.keep_principal() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.created_at) OR (OLD.removed AND NOT NEW.removed) THEN
    RAISE EXCEPTION 'the id of a principal never changes, and a removed one stays removed' USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION authz.keep_credential() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.type, NEW.principal, NEW.prefix, NEW.hash, NEW.created_at)
      IS DISTINCT FROM (OLD.id, OLD.type, OLD.principal, OLD.prefix, OLD.hash, OLD.created_at)
    OR (OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD)
  THEN
    RAISE EXCEPTION 'a credential keeps its identity, and one that ended stays as it is' USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION authz.keep_policy() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.target, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.target, OLD.created_at) THEN
    RAISE EXCEPTION 'the target of a policy never changes' USING ERRCODE = 'TW005';
  END IF;
  RETURN NEW;
END $$;

-- Two changes of the tree at once could each be right and together make a circle: they go one after the other. A row
-- is locked rather than a number, so that a transaction with an older snapshot fails instead of reading the old tree.
CREATE TABLE authz.organisation_tree (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  changes bigint NOT NULL DEFAULT 0
);
INSERT INTO authz.organisation_tree DEFAULT VALUES;

CREATE FUNCTION authz.check_tree() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  max_ancestors constant integer := 10;
  ancestors integer;
  circle boolean;
  height integer := 0;
BEGIN
  IF NEW.parent IS NULL THEN RETURN NEW; END IF;
  IF TG_OP = 'UPDATE' AND NEW.parent IS NOT DISTINCT FROM OLD.parent THEN RETURN NEW; END IF;
  UPDATE authz.organisation_tree SET changes = changes + 1;
  IF EXISTS (SELECT FROM authz.organisations o WHERE o.id = NEW.parent AND o.removed) THEN
    RAISE EXCEPTION 'there is no such organisation' USING ERRCODE = 'TW007';
  END IF;
  WITH RECURSIVE up (id, parent, distance) AS (
    SELECT o.id, o.parent, 1 FROM authz.organisations o WHERE o.id = NEW.parent
    UNION ALL
    SELECT o.id, o.parent, up.distance + 1 FROM up JOIN authz.organisations o ON o.id = up.parent
    WHERE up.id <> NEW.id AND up.distance <= max_ancestors
  )
  SELECT max(distance), bool_or(id = NEW.id) INTO ancestors, circle FROM up;
  IF circle OR NEW.parent = NEW.id THEN
    RAISE EXCEPTION 'an organisation cannot be below itself' USING ERRCODE = 'TW001';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    WITH RECURSIVE down (id, distance) AS (
      SELECT o.id, 1 FROM authz.organisations o WHERE o.parent = NEW.id
      UNION ALL
      SELECT o.id, down.distance + 1 FROM down JOIN authz.organisations o ON o.parent = down.id
      WHERE down.distance <= max_ancestors
    )
    SELECT coalesce(max(distance), 0) INTO height FROM down;
  END IF;
  IF ancestors + height > max_ancestors THEN
    RAISE EXCEPTION 'an organisation has at most % ancestors', max_ancestors USING ERRCODE = 'TW002';
  END IF;
  RETURN NEW;
END $$;

-- Whoever deletes leaves a tombstone instead.
CREATE FUNCTION authz.bury_organisation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.organisations SET removed = true WHERE id = OLD.id;
  RETURN NULL;
END $$;

CREATE FUNCTION authz.bury_principal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.principals SET removed = true WHERE id = OLD.id;
  RETURN NULL;
END $$;

CREATE FUNCTION authz.bury_credential() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE id = OLD.id AND ended_at IS NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION authz.bury_policy() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE authz.policies SET removed = true WHERE id = OLD.id;
  RETURN NULL;
END $$;

-- Nobody keeps a membership of what is gone, and nothing opens a door for one who is gone.
CREATE FUNCTION authz.after_removal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'organisations' THEN
    DELETE FROM authz.organisation_members WHERE organisation = NEW.id;
  ELSE
    DELETE FROM authz.organisation_members WHERE principal = NEW.id::text;
    UPDATE authz.credentials SET ended_at = clock_timestamp() WHERE principal = NEW.id::text AND ended_at IS NULL;
  END IF;
  RETURN NULL;
END $$;

-- A principal that is gone gets no new credential, and what is gone gets no new member. The locks make a removal that
-- runs at the same time wait, or this insert wait for it. A membership changes the principal's version afterwards: it
-- takes the stronger lock at once, because two holders of the weaker one could not both go on.
CREATE FUNCTION authz.require_present() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'organisation_members' THEN
    PERFORM FROM authz.principals p WHERE p.id = NEW.principal AND NOT p.removed FOR NO KEY UPDATE;
  ELSE
    PERFORM FROM authz.principals p WHERE p.id = NEW.principal AND NOT p.removed FOR SHARE;
  END IF;
  IF NOT FOUND THEN RAISE EXCEPTION 'there is no such principal' USING ERRCODE = 'TW006'; END IF;
  IF TG_TABLE_NAME = 'organisation_members' THEN
    PERFORM FROM authz.organisations o WHERE o.id = NEW.organisation AND NOT o.removed FOR SHARE;
    IF NOT FOUND THEN RAISE EXCEPTION 'there is no such organisation' USING ERRCODE = 'TW007'; END IF;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER keep BEFORE UPDATE ON authz.organisations FOR EACH ROW EXECUTE FUNCTION authz.keep_organisation();
CREATE TRIGGER keep BEFORE UPDATE ON authz.principals FOR EACH ROW EXECUTE FUNCTION authz.keep_principal();
CREATE TRIGGER keep BEFORE UPDATE ON authz.credentials FOR EACH ROW EXECUTE FUNCTION authz.keep_credential();
CREATE TRIGGER keep BEFORE UPDATE ON authz.policies FOR EACH ROW EXECUTE FUNCTION authz.keep_policy();
CREATE TRIGGER tree BEFORE INSERT OR UPDATE ON authz.organisations FOR EACH ROW EXECUTE FUNCTION authz.check_tree();
CREATE TRIGGER bury BEFORE DELETE ON authz.organisations FOR EACH ROW EXECUTE FUNCTION authz.bury_organisation();
CREATE TRIGGER bury BEFORE DELETE ON authz.principals FOR EACH ROW EXECUTE FUNCTION authz.bury_principal();
CREATE TRIGGER bury BEFORE DELETE ON authz.credentials FOR EACH ROW EXECUTE FUNCTION authz.bury_credential();
CREATE TRIGGER bury BEFORE DELETE ON authz.policies FOR EACH ROW EXECUTE FUNCTION authz.bury_policy();
CREATE TRIGGER removal AFTER UPDATE ON authz.organisations
  FOR EACH ROW WHEN (NEW.removed AND NOT OLD.removed) EXECUTE FUNCTION authz.after_removal();
CREATE TRIGGER removal AFTER UPDATE ON authz.principals
  FOR EACH ROW WHEN (NEW.removed AND NOT OLD.removed) EXECUTE FUNCTION authz.after_removal();
CREATE TRIGGER present BEFORE INSERT ON authz.organisation_members
  FOR EACH ROW EXECUTE FUNCTION authz.require_present();
CREATE TRIGGER present BEFORE INSERT ON authz.credentials
  FOR EACH ROW EXECUTE FUNCTION authz.require_present();

-- Triggers also fire while a copy is applied (session_replication_role = replica), and TRUNCATE fires none per row.
DO $$
DECLARE
  name text;
  trigger_name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'organisations', 'principals', 'organisation_members', 'group_members', 'credentials', 'policies'] LOOP
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

-- The service's own role: no DDL, no other schema, nothing of the outbox but reading its position.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA authz FROM PUBLIC;
GRANT USAGE ON SCHEMA authz TO tidewire_authz;
GRANT EXECUTE ON FUNCTION
  authz.wire_length(text), authz.is_slug(text), authz.wire_time(timestamptz),
  authz.is_operand(jsonb), authz.is_match(jsonb), authz.is_group(jsonb), authz.are_rules(jsonb),
  authz.are_role_groups(jsonb), authz.are_rules_by_action(jsonb, text[]), authz.are_property_rules(jsonb),
  authz.are_actions(jsonb), authz.are_roles(jsonb), authz.are_scopes(jsonb),
  authz.organisation_state(authz.organisations), authz.principal_state(authz.principals),
  authz.credential_state(authz.credentials), authz.policy_state(authz.policies)
TO tidewire_authz;
GRANT SELECT ON
  authz.organisations, authz.principals, authz.organisation_members, authz.group_members, authz.credentials,
  authz.policies
TO tidewire_authz;
GRANT INSERT (id, slug, name, parent), UPDATE (name, parent, removed) ON authz.organisations TO tidewire_authz;
GRANT INSERT (id, name, admin), UPDATE (name, admin, active_organisation, removed) ON authz.principals
TO tidewire_authz;
GRANT INSERT, DELETE ON authz.organisation_members, authz.group_members TO tidewire_authz;
GRANT INSERT (id, type, principal, name, prefix, hash, scopes, expires_at), UPDATE (ended_at) ON authz.credentials
TO tidewire_authz;
GRANT INSERT (id, target, authorization_rules, property_rules, roles, removed),
  UPDATE (authorization_rules, property_rules, roles, removed) ON authz.policies
TO tidewire_authz;
