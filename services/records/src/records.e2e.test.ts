import { objectListSchema, objectSchema, problemSchema } from '@tidewire/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openTestPlatform, uniqueSlug } from './test-platform.ts';
import type { Caller, RecordsTestPlatform, TestTable } from './test-platform.ts';

let world: RecordsTestPlatform;
let organisation: string;
let alice: Caller;
let table: TestTable;

beforeAll(async () => {
  world = await openTestPlatform();
  organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  table = await world.createTable({
    properties: {
      titel: { type: 'string' },
      aantal: { type: 'integer', minimum: 0 },
      adres: { type: 'object' },
    },
    required: ['titel'],
  });
});
afterAll(() => world[Symbol.asyncDispose]());

test('an object that was created can be read, with its version and where it is', async () => {
  const created = await expectStatus(
    201,
    alice.post(table.objects, { titel: 'één', id: 'x', _owner: 'bob' }),
  );
  const uuid = String(created.body['id']);
  expect(created.headers.get('location')).toBe(`${table.objects}/${uuid}`);
  expect(created.headers.get('x-object-version')).toBe('1');
  objectSchema.parse(created.body);
  expect(created.body).toMatchObject({
    titel: 'één',
    _owner: alice.id,
    _organisation: organisation,
    _version: 1,
  });
  const read = await expectStatus(200, alice.get(`${table.objects}/${uuid}`));
  expect(read.body).toEqual(created.body);
  expect(read.headers.get('x-object-version')).toBe('1');
});
