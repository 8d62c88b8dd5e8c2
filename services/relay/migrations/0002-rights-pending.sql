-- Whoever judges a request by rights that it reads from the log has to know whether there are newer ones: those that
-- were committed and are not yet in the log. Asked in the statement that reads or writes the data, the answer is of
-- the same snapshot: docs/decisions/0004-rights-in-records.md.

-- Only rights have no images; there are few of them, so the question costs the same however long the outbox is.
CREATE INDEX rows_rights ON outbox.rows (id) WHERE images IS NULL;

-- Whether a change of rights waits in the caller's snapshot that may concern whoever has one of these ids (of a
-- principal, of a credential). Policies, organisations and the catalogue concern everybody.
CREATE FUNCTION outbox.rights_pending(ids text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM outbox.rows r
    WHERE r.images IS NULL AND (r.key = ANY (ids) OR r.subject !~ '^authz\.(principal|credential)\.')
  )
$$;

REVOKE ALL ON FUNCTION outbox.rights_pending(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox.rights_pending(text[]) TO tidewire_records;
