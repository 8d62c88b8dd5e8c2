import { randomUUID } from 'node:crypto';
import { TidewireError, rightsStateSchema } from '@tidewire/contract';
import type { Property, RightsState } from '@tidewire/contract';
import { createPool } from '@tidewire/service-kit';
import type { Pool, Provenance } from '@tidewire/service-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, silent } from '../../test/database.ts';
import type { RecordsTestDatabase } from '../../test/database.ts';
import { createCatalogueRepository } from './catalogue-repository-postgres.ts';
import { TableTaken } from './catalogue-repository.ts';
import type { CatalogueRepository, SchemaValues } from './catalogue-repository.ts';

let database: RecordsTestDatabase;
let pool: Pool;
let repository: CatalogueRepository;
const provenance: Provenance = {
  actor: { id: 'admin', name: 'Admin', organisation: null },
  correlationId: null,
  traceparent: null,
};

beforeAll(async () => {
  database = await openTestDatabase();
  pool = createPool({ databaseUrl: database.urls.recordsUrl, service: 'test', logger: silent });
  repository = createCatalogueRepository(pool);
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function newRegister(): Promise<string> {
  const id = randomUUID();
  await repository.insertRegister(provenance, { id, slug: `r-${id}`, title: 'T', description: 'D' });
  return id;
}

function schemaValues(
  register: string,
  slug: string,
  properties: Record<string, Property> = {},
): SchemaValues {
  return {
    id: randomUUID(),
    register,
    slug,
    table: slug,
    title: '',
    description: '',
    properties,
    required: [],
  };
}

async function allPages(): Promise<{ states: RightsState[]; pages: number }> {
  const states: RightsState[] = [];
  let after: string | null = null;
  for (let pages = 1; ; pages += 1) {
    const page = await repository.statePage(after);
    states.push(...page.items);
    expect(Buffer.byteLength(JSON.stringify(page.items))).toBeLessThan(2 * 1024 * 1024);
    if (page.next === null) return { states, pages };
    after = page.next;
  }
}

test('all states come exactly once over pages that fit into a message, however large the schemas are', async () => {
  const register = await newRegister();
  const wide = Object.fromEntries(
    Array.from({ length: 120 }, (_, n): [string, Property] => [
      `p${n}`,
      { type: 'string', description: 'x'.repeat(1900) },
    ]),
  );
  const ids = [register];
  for (let count = 0; count < 9; count += 1) {
    const values = schemaValues(register, `wide-${count}`, wide);
    await repository.insertSchema(provenance, values);
    ids.push(values.id);
  }
  const { states, pages } = await allPages();
  expect(pages).toBeGreaterThan(1);
  const found = states.flatMap((state) => ('id' in state ? [state.id] : []));
  expect(found.toSorted()).toEqual(ids.toSorted());
  for (const state of states) rightsStateSchema.parse(state);
});

test('what was deleted is listed as removed for as long as its slug is reserved', async () => {
  const register = await newRegister();
  await repository.updateRegister(provenance, register, { removed: true });
  const find = async (): Promise<unknown> =>
    (await allPages()).states.find((state) => 'id' in state && state.id === register);
  expect(await find()).toMatchObject({ removed: true, version: 2, title: 'T' });
  await database.owner.query(`update records.settings set slug_reserved_for = interval '0'`);
  expect(await find()).toBeUndefined();
  await database.owner.query(`update records.settings set slug_reserved_for = interval '24 hours'`);
  await expect(repository.updateRegister(provenance, register, { title: 'x' })).rejects.toThrow('Not found');
});

test('tells a taken slug from a taken table', async () => {
  const [register, other] = [await newRegister(), await newRegister()];
  await repository.insertSchema(provenance, schemaValues(register, 'dup'));
  const sameSlug = { ...schemaValues(register, 'dup'), table: 'dup-2' };
  await expect(repository.insertSchema(provenance, sameSlug)).rejects.toThrow(TidewireError);
  await expect(repository.insertSchema(provenance, schemaValues(other, 'dup'))).rejects.toThrow(TableTaken);
  await repository.insertSchema(provenance, { ...schemaValues(other, 'dup'), table: 'dup-3' });
});

test('of two who create the same slug at once one is told that it is taken', async () => {
  const slug = `same-${randomUUID()}`;
  const answers = await Promise.allSettled(
    [1, 2, 3].map(() =>
      repository.insertRegister(provenance, { id: randomUUID(), slug, title: '', description: '' }),
    ),
  );
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'SLUG_RESERVED' });
  }
});

test('properties are added to those that are there', async () => {
  const register = await newRegister();
  const values = schemaValues(register, `add-${register}`.slice(0, 60), { a: { type: 'string' } });
  await repository.insertSchema(provenance, values);
  const schema = await repository.updateSchema(provenance, values.id, {
    properties: { b: { type: 'number' } },
  });
  expect(schema).toMatchObject({ version: 2, properties: { a: { type: 'string' }, b: { type: 'number' } } });
});

test('a schema tells when it was made, in its events and its state alike, and keeps it', async () => {
  const register = await newRegister();
  const values = schemaValues(register, `made-${register}`.slice(0, 60));
  const { created } = await repository.insertSchema(provenance, values);
  const changed = await repository.updateSchema(provenance, values.id, { title: 'Other' });
  const { states } = await allPages();
  const events = await database.eventsOf(values.id);
  expect(created).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
  expect([
    changed.created,
    states.flatMap((state) => (state.kind === 'schema' && state.id === values.id ? [state.created] : [])),
    events.map(({ message }) => (message['state'] as { created?: unknown }).created),
  ]).toEqual([created, [created], [created, created]]);
});
