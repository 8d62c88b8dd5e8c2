-- Who tried to connect to NATS and was not let in: no change of a right, but what an auditor asks for first.

ALTER TABLE authz.audit
  DROP CONSTRAINT audit_action_check,
  ADD CONSTRAINT audit_action_check CHECK (action IN ('added', 'changed', 'removed', 'refused'));

-- `refusals`: an array of {address, principal, reason, count}. One statement and one wait for the numbering, however many.
CREATE FUNCTION authz.audit_refusals(refusals jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM authz.audit_order FOR NO KEY UPDATE;
  INSERT INTO authz.audit (number, time, actor, correlation_id, kind, subject, principal, action, before, after)
  SELECT
    (SELECT coalesce(max(number), 0) FROM authz.audit) + r.place,
    clock_timestamp(), NULL, NULL, 'connection', left(r.entry ->> 'address', 64), r.entry ->> 'principal', 'refused', NULL,
    jsonb_build_object('reason', left(r.entry ->> 'reason', 40), 'count', (r.entry ->> 'count')::int,
      'principal', r.entry -> 'principal')
  FROM jsonb_array_elements(refusals) WITH ORDINALITY AS r (entry, place);
END $$;

REVOKE ALL ON FUNCTION authz.audit_refusals(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.audit_refusals(jsonb) TO tidewire_authz;
