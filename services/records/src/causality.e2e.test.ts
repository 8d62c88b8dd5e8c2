import { REQUEST_SUBJECTS } from '@tidewire/contract';
import { connectBus, loadStates, silentLogger } from '@tidewire/messaging';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openTestPlatform } from '../test/platform.ts';
import type { Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

let world: RecordsTestPlatform;
let organisation: string;
let alice: Caller;
let table: TestTable;

beforeAll(async () => {
  world = await openTestPlatform({
    TIDEWIRE_RIGHTS_WAIT_MS: '5000',
  });
  organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  table = await world.createTable({ properties: { titel: { type: 'string' } } });
});
afterAll(() => world[Symbol.asyncDispose]());

const ROUNDS = 25;
const members = { read: ['authenticated'], update: ['authenticated'], create: ['authenticated'] };
const nobody = { read: [], update: [], create: [] };

/** Straight to authz: by way of this service the answer would come after it had read the change itself. */
function setRules(authorization: unknown): Promise<unknown> {
  return expectStatus(200, world.admin.put(`/api/policies/schema/${table.schemaId}`, { authorization }));
}

test('no request that comes after an acknowledged change of rules is judged by the older ones', async () => {
  await setRules(members);
  const created = await expectStatus(
    201,
    world.admin.post(table.objects, { titel: 'a', _organisation: organisation }),
  );
  const path = `${table.objects}/${String(created.body['id'])}`;
  await expectStatus(200, alice.get(path));
  for (let round = 0; round < ROUNDS; round += 1) {
    await setRules(nobody);
    const refused = await Promise.all([
      alice.get(path),
      alice.get(table.objects),
      alice.patch(path, { titel: `round ${round}` }),
      alice.post(table.objects, { titel: 'new' }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    await setRules(members);
    const allowed = await Promise.all([
      alice.get(path),
      alice.get(table.objects),
      alice.patch(path, { titel: 'b' }),
    ]);
    expect(allowed.map(({ status }) => status)).toEqual([200, 200, 200]);
  }
});

test('the same holds for groups: who was taken out of one reads nothing more by it', async () => {
  await setRules({ read: ['lezers'] });
  await expectStatus(201, world.admin.post(table.objects, { titel: 'a', _organisation: organisation }));
  const bob = await world.createPrincipal(organisation);
  const membership = `/api/groups/${organisation}/lezers/members/${bob.id}`;
  for (let round = 0; round < ROUNDS; round += 1) {
    await expectStatus(204, world.admin.call('PUT', membership));
    const before = await expectStatus(200, bob.get(table.objects));
    expect(before.body['total']).toBeGreaterThan(0);
    await expectStatus(204, world.admin.delete(membership));
    expect((await bob.get(table.objects)).body['total']).toBe(0);
  }
  await setRules(members);
});

test('a revoked token is refused by the next request, though its answer was cached', async () => {
  for (let round = 0; round < 5; round += 1) {
    const carol = await world.createToken(alice.id, undefined);
    await expectStatus(200, carol.get(table.objects));
    const { body } = await expectStatus(200, world.admin.get('/api/auth/tokens?principal=' + alice.id));
    const listed = (body['results'] ?? body['tokens']) as { id: string; endedAt: string | null }[];
    const newest = listed.filter(({ endedAt }) => endedAt === null);
    for (const { id } of newest.slice(1))
      await expectStatus(204, world.admin.delete(`/api/auth/tokens/${id}`));
    const answers = await Promise.all([carol.get(table.objects), alice.get(table.objects)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
    if (answers[1]?.status === 401) alice = await world.createToken(alice.id, undefined);
  }
});

test('a schema can be used by the very next request', async () => {
  for (let round = 0; round < 10; round += 1) {
    const fresh = await world.createTable({ properties: { titel: { type: 'string' } } });
    await expectStatus(201, alice.post(fresh.objects, { titel: 'a' }));
  }
});

test('the catalogue is answered page by page with the position of its snapshot', async () => {
  const bus = await connectBus({
    url: world.platform.natsUrl('records'),
    user: 'records',
    logger: silentLogger,
  });
  try {
    const { items, position } = await loadStates(bus, REQUEST_SUBJECTS.catalogueState);
    expect(position.sequence).toBeGreaterThan(0);
    expect(items.filter(({ kind }) => kind === 'schema').map((state) => 'id' in state && state.id)).toContain(
      table.schemaId,
    );
  } finally {
    await bus.close();
  }
});

test('events carry who caused them and the correlation id of the request', async () => {
  await world.platform.kill('relay');
  const headers = { 'x-correlation-id': 'corr-1' };
  const created = await expectStatus(201, alice.call('POST', table.objects, { titel: 'a' }, headers));
  const [row] = await world.platform.sql<{ message: string }>(
    'select message from outbox.rows where key = $1',
    [created.body['id']],
  );
  expect(JSON.parse(row?.message ?? '{}')).toMatchObject({
    actor: { id: alice.id, name: `Name of ${alice.id}`, organisation },
    correlationId: 'corr-1',
    traceparent: expect.stringMatching(/^00-/),
  });
});

test('while newer rights are not in the log nothing is decided', async () => {
  // The relay is down since the last test.
  await setRules(nobody);
  const answer = await alice.get(table.objects);
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  await world.platform.restart('relay', 'SIGTERM');
  await waitFor(async () => (await alice.get(table.objects)).status === 404, {
    timeoutMs: 40_000,
    what: 'the list is refused by the new rules',
  });
});
