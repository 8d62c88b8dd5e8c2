import { Client } from 'pg';

/**
 * A table with an outbox trigger, and beside it the truth: an audit row in the same transaction for every write.
 * Versions go on over delete and re-creation, so that what the log holds of one object can be checked to be exactly
 * 1, 2, 3 ...
 */
const SCHEMA = `
  CREATE SCHEMA probe;
  CREATE TABLE probe.objects (uuid uuid PRIMARY KEY, version bigint, data jsonb NOT NULL);
  CREATE TABLE probe.versions (uuid uuid PRIMARY KEY, version bigint NOT NULL);
  CREATE TABLE probe.audit (uuid uuid NOT NULL, version bigint NOT NULL);
  CREATE FUNCTION probe.write() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DECLARE
    id uuid := coalesce(new.uuid, old.uuid);
    next bigint;
    image jsonb := to_jsonb(new);
  BEGIN
    INSERT INTO probe.versions AS v VALUES (id, 1) ON CONFLICT (uuid) DO UPDATE SET version = v.version + 1
    RETURNING v.version INTO next;
    INSERT INTO probe.audit VALUES (id, next);
    PERFORM outbox.enqueue(
      format('events.none.probe.objects.%s.%s', id,
        CASE tg_op WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END),
      id::text,
      jsonb_build_object('kind', 'object',
        'action', CASE tg_op WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END,
        'uuid', id, 'register', jsonb_build_object('id', id, 'slug', 'probe'),
        'schema', jsonb_build_object('id', id, 'slug', 'objects'),
        'organisation', null, 'version', next) || outbox.provenance(),
      CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) END,
      CASE WHEN tg_op <> 'DELETE' THEN image END);
    RETURN NULL;
  END $$;
  CREATE TRIGGER outbox AFTER INSERT OR UPDATE OR DELETE ON probe.objects FOR EACH ROW EXECUTE FUNCTION probe.write();
  ALTER TABLE probe.objects ENABLE ALWAYS TRIGGER outbox;
  GRANT USAGE ON SCHEMA probe TO tidewire_records;
  GRANT SELECT, INSERT, UPDATE, DELETE ON probe.objects TO tidewire_records;
  GRANT SELECT ON probe.audit TO tidewire_records;
`;

/** Adds the probe to a database with the relay's migrations. */
export async function installProbe(ownerUrl: string): Promise<void> {
  const client = await connectClient(ownerUrl);
  await client.query(SCHEMA);
  await client.end();
}

/** A plain connection. One that is cut off does not end the process. */
export async function connectClient(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Writes `count` new objects in one statement, with `bytes` of filling each. */
export async function insertObjects(client: Client, count: number, bytes = 10): Promise<void> {
  await client.query(
    `INSERT INTO probe.objects SELECT gen_random_uuid(), 1, jsonb_build_object('text', repeat('x', $2))
     FROM generate_series(1, $1)`,
    [count, bytes],
  );
}
