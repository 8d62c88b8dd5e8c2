import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openSharedPlatform } from '../test/platform.ts';
import type { Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

let world: RecordsTestPlatform;
let alice: Caller;
let bob: Caller;
let outsider: Caller;
let table: TestTable;
let path: string;

beforeAll(async () => {
  world = await openSharedPlatform();
  const organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  bob = await world.createPrincipal(organisation);
  outsider = await world.createPrincipal(await world.createOrganisation());
  // Nobody reads by rule: rows are seen and written by who owns them.
  table = await world.createTable({
    properties: { titel: { type: 'string' } },
    authorization: { read: [], create: ['authenticated'], update: [], delete: [] },
  });
  const created = await expectStatus(201, alice.post(table.objects, { titel: 'a' }));
  path = `${table.objects}/${String(created.body['id'])}`;
});
afterAll(() => world[Symbol.asyncDispose]());

test('an administrator gives an object another owner, who has it from then on while the old one does not', async () => {
  await expectStatus(404, bob.get(path));
  const given = await expectStatus(200, world.admin.put(`${path}/owner`, { owner: bob.id, _version: 1 }));
  expect(given.body).toMatchObject({ _owner: bob.id, _version: 2, titel: 'a' });
  expect(given.headers.get('x-object-version')).toBe('2');
  await expectStatus(404, alice.get(path));
  await expectStatus(200, bob.patch(path, { titel: 'b' }));
  const nobodys = await expectStatus(200, world.admin.put(`${path}/owner`, { owner: null }));
  expect(nobodys.body).toMatchObject({ _owner: null, _version: 4 });
  await expectStatus(404, bob.get(path));
});

test('an owner is not changed by who is no administrator, and tells only readers that the object exists', async () => {
  await expectStatus(200, world.admin.put(`${path}/owner`, { owner: alice.id }));
  await expectStatus(403, alice.put(`${path}/owner`, { owner: bob.id }));
  const absent = path.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const [of, none] = await Promise.all([
    expectStatus(404, outsider.put(`${path}/owner`, { owner: outsider.id })),
    expectStatus(404, outsider.put(`${absent}/owner`, { owner: outsider.id })),
  ]);
  expect({ ...of.body, instance: '' }).toEqual({ ...none.body, instance: '' });
  const read = await expectStatus(200, alice.get(path));
  expect(read.body).toMatchObject({ _owner: alice.id });
});

test('a stale version, a misspelt member and what is no principal id change nothing', async () => {
  const before = await expectStatus(200, world.admin.get(path));
  await expectStatus(412, world.admin.put(`${path}/owner`, { owner: bob.id, _version: 1 }));
  await expectStatus(400, world.admin.put(`${path}/owner`, { ower: bob.id }));
  await expectStatus(400, world.admin.put(`${path}/owner`, { owner: 'Not An Id' }));
  const after = await expectStatus(200, world.admin.get(path));
  expect(after.body).toEqual(before.body);
});
