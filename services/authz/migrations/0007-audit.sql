-- Who changed which right, and how it was before: written by triggers in the transaction that changes it, whoever makes
-- it, and never changed afterwards. Why entries are numbered as they are: docs/decisions/0009-audit-in-order.md.

CREATE TABLE authz.audit (
  number bigint PRIMARY KEY,
  id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  time timestamptz(3) NOT NULL,
  actor jsonb,
  correlation_id text,
  kind text NOT NULL,
  subject text NOT NULL,
  -- Whose right it is, where it is somebody's.
  principal text,
  action text NOT NULL CHECK (action IN ('added', 'changed', 'removed')),
  before jsonb,
  after jsonb
);
CREATE INDEX audit_principal ON authz.audit (principal, number) WHERE principal IS NOT NULL;
CREATE INDEX audit_kind ON authz.audit (kind, number);
CREATE INDEX audit_actor ON authz.audit ((actor ->> 'id'), number);

-- Its row is locked while entries are numbered, until the transaction ends: numbers follow the order of commits, so
-- that whoever has seen one has seen all before it.
CREATE TABLE authz.audit_order (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton));
INSERT INTO authz.audit_order DEFAULT VALUES;

-- The columns of a row that the log tells, by their names on the wire: `name` or `name=column`. A list of what may be
-- told: a column that is not in it, such as a hash, is in no entry.
CREATE FUNCTION authz.audited_state(stored jsonb, told text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(
    split_part(item, '=', 1),
    CASE WHEN "column" LIKE '%\_at' THEN to_jsonb(authz.wire_time((stored ->> "column")::timestamptz))
      ELSE stored -> "column" END)
  FROM (
    SELECT item, coalesce(nullif(split_part(item, '=', 2), ''), item) AS "column"
    FROM regexp_split_to_table(told, ' ') AS item
  ) names
$$;

CREATE FUNCTION authz.is_gone(state jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(state ->> 'removed' = 'true' OR state ->> 'endedAt' IS NOT NULL, false)
$$;

-- Arguments: the kind, the column that identifies the subject, the columns that are told. It runs as the transaction
-- commits: the numbering, which others wait for, then waits for nothing but the commit itself. A later migration that
-- changes rows of these tables and then the tables has to SET CONSTRAINTS ALL IMMEDIATE in between.
CREATE FUNCTION authz.write_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind constant text := TG_ARGV[0];
  current constant jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
  before jsonb;
  after jsonb;
  provenance jsonb;
BEGIN
  IF TG_OP <> 'INSERT' THEN before := authz.audited_state(to_jsonb(OLD), TG_ARGV[2]); END IF;
  IF TG_OP <> 'DELETE' THEN after := authz.audited_state(to_jsonb(NEW), TG_ARGV[2]); END IF;
  IF before IS NOT DISTINCT FROM after OR (after IS NULL AND authz.is_gone(before)) THEN RETURN NULL; END IF;
  -- A session lasts longer when it is used: that is no change of rights by anybody.
  IF TG_OP = 'UPDATE' AND kind = 'credential' AND after ->> 'type' = 'session'
    AND before - 'expiresAt' = after - 'expiresAt'
  THEN RETURN NULL; END IF;
  PERFORM FROM authz.audit_order FOR NO KEY UPDATE;
  provenance := outbox.provenance();
  INSERT INTO authz.audit (number, time, actor, correlation_id, kind, subject, principal, action, before, after)
  VALUES (
    (SELECT coalesce(max(number), 0) + 1 FROM authz.audit),
    (provenance ->> 'time')::timestamptz,
    provenance -> 'actor',
    provenance ->> 'correlationId',
    kind,
    current ->> TG_ARGV[1],
    CASE kind WHEN 'principal' THEN current ->> 'id' ELSE current ->> 'principal' END,
    CASE
      WHEN before IS NULL OR (authz.is_gone(before) AND NOT authz.is_gone(after)) THEN 'added'
      WHEN after IS NULL OR (authz.is_gone(after) AND NOT authz.is_gone(before)) THEN 'removed'
      ELSE 'changed'
    END,
    before,
    after);
  RETURN NULL;
EXCEPTION WHEN unique_violation THEN
  -- The snapshot of the transaction is older than the newest entry (REPEATABLE READ).
  RAISE EXCEPTION 'rights were changed by another transaction' USING ERRCODE = 'serialization_failure';
END $$;

CREATE FUNCTION authz.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% of authz.%: the audit log is only added to', TG_OP, TG_TABLE_NAME USING ERRCODE = 'TW004';
END $$;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON authz.audit
  FOR EACH STATEMENT EXECUTE FUNCTION authz.refuse_audit_change();
CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON authz.audit_order
  FOR EACH STATEMENT EXECUTE FUNCTION authz.refuse_audit_change();
ALTER TABLE authz.audit ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE authz.audit_order ENABLE ALWAYS TRIGGER refuse_change;

-- Memberships are entries of their own and no part of the principal's: what a principal was in before a transaction is
-- its entries, added up.
DO $$
DECLARE
  audited record;
BEGIN
  FOR audited IN SELECT * FROM (VALUES
    ('principals', 'principal', 'id', 'id name admin activeOrganisation=active_organisation removed'),
    ('organisation_members', 'membership', 'principal', 'principal organisation'),
    ('group_members', 'group', 'principal', 'principal organisation group=name'),
    ('organisations', 'organisation', 'id', 'id slug name parent removed'),
    ('credentials', 'credential', 'id',
     'id type principal name scopes createdAt=created_at expiresAt=expires_at endedAt=ended_at'),
    ('policies', 'policy', 'id',
     'id target authorization=authorization_rules properties=property_rules roles removed'),
    ('issuers', 'issuer', 'id',
     'id slug issuer audiences organisations jwksUri=jwks_uri algorithms clockSkewMs=clock_skew_ms '
     'maxTokenAgeMs=max_token_age_ms claims provisioning removed'),
    ('identities', 'identity', 'principal', 'principal issuer subject provisioned')
  ) AS list ("table", kind, subject, told)
  WHERE to_regclass(format('authz.%I', list."table")) IS NOT NULL LOOP
    EXECUTE format(
      'CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON authz.%I DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION authz.write_audit(%L, %L, %L)',
      audited."table", audited.kind, audited.subject, audited.told);
    EXECUTE format('ALTER TABLE authz.%I ENABLE ALWAYS TRIGGER audit', audited."table");
  END LOOP;
END $$;

CREATE FUNCTION authz.audit_entry(a authz.audit) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('id', a.id, 'number', a.number, 'time', authz.wire_time(a.time), 'actor', a.actor,
    'correlationId', a.correlation_id, 'kind', a.kind, 'subject', a.subject, 'action', a.action, 'before', a.before,
    'after', a.after)
$$;

REVOKE ALL ON FUNCTION
  authz.audited_state(jsonb, text), authz.is_gone(jsonb), authz.write_audit(), authz.refuse_audit_change(),
  authz.audit_entry(authz.audit)
FROM PUBLIC;
GRANT SELECT ON authz.audit TO tidewire_authz;
GRANT EXECUTE ON FUNCTION authz.audit_entry(authz.audit) TO tidewire_authz;
