import { ApiError } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import {
  DEMO_DATA_SET,
  DEMO_ORGANISATIONS,
  DEMO_PASSWORD,
  DEMO_PRINCIPALS,
  DEMO_REGISTERS,
  DEMO_ROWS,
  strikeOf,
} from './demo-content.ts';
import type { ProgressBar } from './progress-bar.ts';
import { createRecords } from './record-batches.ts';
import { readRows } from './row-file.ts';
import type { FileRow } from './row-file.ts';

/**
 * Writes the demo through the public API. What is there already stays as it is, so it may run at every start: rows are
 * written only into schemas that hold none, and the data set goes on where an interrupted run stopped.
 */
export async function seedDemo(admin: ApiClient, progress: ProgressBar): Promise<void> {
  for (const organisation of Object.values(DEMO_ORGANISATIONS)) {
    await ensure(admin, `/api/organisations/${organisation.id}`, '/api/organisations', organisation);
  }
  for (const person of DEMO_PRINCIPALS) await ensurePrincipal(admin, person);
  await ensurePasswords(admin);
  for (const register of DEMO_REGISTERS) await ensureRegister(admin, register);
  for (const path of new Set(DEMO_ROWS.map((group) => group.path))) await seedRows(admin, path);
  await seedDataSet(admin, progress);
}

async function exists(api: ApiClient, path: string): Promise<boolean> {
  try {
    await api.send('GET', path);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

async function ensure(api: ApiClient, path: string, collection: string, body: unknown): Promise<boolean> {
  if (await exists(api, path)) return false;
  await api.send('POST', collection, body);
  return true;
}

async function ensurePrincipal(admin: ApiClient, person: (typeof DEMO_PRINCIPALS)[number]): Promise<void> {
  const created = await ensure(admin, `/api/principals/${person.id}`, '/api/principals', {
    id: person.id,
    name: person.name,
    organisations: [person.organisation],
    activeOrganisation: person.organisation,
    groups: person.groups.map((group) => ({ organisation: person.organisation, group })),
  });
  if (!created && (await works(admin.as(`demo-${person.id}`)))) return;
  await admin.send('POST', '/api/auth/tokens', {
    principal: person.id,
    name: 'demo',
    secret: `demo-${person.id}`,
  });
}

/**
 * Gives everybody the password of the demo, the first time only: later ones are people's own business. An installation
 * that wants longer passwords goes without them.
 */
async function ensurePasswords(admin: ApiClient): Promise<void> {
  const { principal } = (await admin.send('GET', '/api/auth/me')) as { readonly principal: { id: string } };
  try {
    // Whoever has a password already is asked for it, and so this is refused from the second time on.
    await admin.send('PUT', `/api/principals/${principal.id}/password`, { password: DEMO_PASSWORD });
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 400)) return;
    throw error;
  }
  for (const { id } of DEMO_PRINCIPALS) {
    await admin.send('PUT', `/api/principals/${id}/password`, { password: DEMO_PASSWORD });
  }
}

async function works(api: ApiClient): Promise<boolean> {
  try {
    await api.send('GET', '/api/auth/me');
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return false;
    throw error;
  }
}

interface ListedSchema {
  readonly slug: string;
  readonly table: string;
}

async function listSchemas(admin: ApiClient, register: string): Promise<readonly ListedSchema[]> {
  const listed = await admin.send('GET', `/api/schemas?register=${register}`);
  return (listed as { readonly results: readonly ListedSchema[] }).results;
}

async function ensureRegister(admin: ApiClient, register: (typeof DEMO_REGISTERS)[number]): Promise<void> {
  const { schemas, ...body } = register;
  await ensure(admin, `/api/registers/${register.slug}`, '/api/registers', body);
  const present = new Set((await listSchemas(admin, register.slug)).map((schema) => schema.slug));
  for (const schema of schemas) {
    if (!present.has(schema.slug))
      await admin.send('POST', '/api/schemas', { register: register.slug, ...schema });
  }
}

async function countRows(admin: ApiClient, path: string): Promise<number> {
  const page = (await admin.send('GET', `/api/objects/${path}?_limit=1`)) as { readonly total: number };
  return page.total;
}

async function seedRows(admin: ApiClient, path: string): Promise<void> {
  if ((await countRows(admin, path)) > 0) return;
  for (const group of DEMO_ROWS) {
    if (group.path !== path) continue;
    for (const row of group.rows)
      await admin.as(`demo-${group.principal}`).send('POST', `/api/objects/${path}`, row);
  }
}

async function seedDataSet(admin: ApiClient, progress: ProgressBar): Promise<void> {
  const path = 'wildlife/strikes';
  const rows: FileRow[] = [];
  for await (const row of readRows(DEMO_DATA_SET)) rows.push(row);
  const done = await countRows(admin, path);
  if (done >= rows.length) return;
  const schema = (await listSchemas(admin, 'wildlife')).find(({ slug }) => slug === 'strikes');
  if (schema === undefined) throw new Error('the demo has no schema for its data set');
  const onWritten = (count: number): void =>
    progress.update('wildlife strikes (FAA data set)', done + count, rows.length);
  await createRecords(
    admin.as('demo-alice'),
    { table: schema.table, onWritten },
    rows.slice(done).map((row) => strikeOf(row, 'archived')),
  );
  progress.finish(`${rows.length} wildlife strikes written`);
}
