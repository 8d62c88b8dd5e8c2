import { connectBus, readLog, readLogInfo, silentLogger } from '@tidewire/messaging';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { expectStatus, openTestPlatform } from '../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform, TestTable } from '../test/platform.ts';

/** Both shorter than the outages below: neither the age of a beat nor that of authz's answer decides anything. */
const CREDENTIAL_CACHE_MS = 500;
const STALENESS_LIMIT_MS = 1500;

let world: RecordsTestPlatform;
let organisation: string;
let alice: Caller;
let table: TestTable;
let natsIsAway = false;

beforeAll(async () => {
  world = await openTestPlatform({
    TIDEWIRE_CREDENTIAL_CACHE_MS: String(CREDENTIAL_CACHE_MS),
    TIDEWIRE_STALENESS_LIMIT_MS: String(STALENESS_LIMIT_MS),
  });
  organisation = await world.createOrganisation();
  alice = await world.createPrincipal(organisation);
  table = await world.createTable({ properties: { titel: { type: 'string' } } });
});
afterAll(() => world[Symbol.asyncDispose]());

beforeEach(async () => {
  await killNats();
});
afterEach(async () => {
  if (natsIsAway) await restartNats();
  await waitFor(async () => (await alice.get(table.objects)).status === 200 && (await untilPublished()), {
    timeoutMs: 60_000,
    what: 'everything works again',
  });
});

async function untilPublished(): Promise<true> {
  await waitFor(async () => (await world.platform.sql('select from outbox.rows limit 1')).length === 0, {
    timeoutMs: 60_000,
    what: 'the outbox is empty',
  });
  return true;
}

/** Once the service has read all that was published: what it has not read it could not be told any more. */
async function killNats(): Promise<void> {
  await untilPublished();
  await waitFor(async () => (await alice.get(table.objects)).status === 200, {
    timeoutMs: 60_000,
    what: 'the service has read the log',
  });
  natsIsAway = true;
  await world.platform.kill('nats');
}

async function restartNats(): Promise<void> {
  await world.platform.restart('nats', 'SIGKILL');
  natsIsAway = false;
  await untilPublished();
}

/** Runs it again and again until time enough has passed that nothing counts as recent any more. */
async function throughout(request: () => Promise<void>): Promise<void> {
  const until = performance.now() + STALENESS_LIMIT_MS + CREDENTIAL_CACHE_MS + 1000;
  while (performance.now() < until) await request();
}

/** `uuid version` of every event of the schema that is in the log, as often as it is there. */
async function publishedChanges(): Promise<string[]> {
  const bus = await connectBus({
    url: world.platform.natsUrl('records'),
    user: 'records',
    logger: silentLogger,
  });
  try {
    const info = await readLogInfo(bus);
    const changes: string[] = [];
    for await (const { message } of readLog(bus, {
      epoch: info.epoch,
      from: info.first - 1,
      to: info.last,
    })) {
      if (message?.kind === 'object' && message.schema.id === table.schemaId)
        changes.push(`${message.uuid} ${message.version}`);
    }
    return changes;
  } finally {
    await bus.close();
  }
}

function expectUnavailable(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
}

test('while NATS is away reads and writes go on, and every event is in the log once after its return', async () => {
  const acknowledged: string[] = [];
  await throughout(async () => {
    const created = await expectStatus(201, alice.post(table.objects, { titel: 'a' }));
    const path = `${table.objects}/${String(created.body['id'])}`;
    const changed = await expectStatus(200, alice.patch(path, { titel: 'b' }));
    await expectStatus(200, alice.get(path));
    const list = await expectStatus(200, alice.get(`${table.objects}?_limit=1&_order[_created]=desc`));
    expect(list.body['results']).toMatchObject([{ id: created.body['id'], titel: 'b' }]);
    for (const { body } of [created, changed])
      acknowledged.push(`${String(body['id'])} ${String(body['_version'])}`);
  });
  expect(acknowledged.length).toBeGreaterThan(10);
  await restartNats();
  const published = await publishedChanges();
  expect(new Set(published).size, 'no event twice').toBe(published.length);
  expect(published).toEqual(expect.arrayContaining(acknowledged));
});

test('a token that is revoked while NATS is away is refused by the next request, and others are not', async () => {
  await restartNats();
  const thief = await world.createToken(alice.id, undefined);
  await waitFor(async () => (await thief.get(table.objects)).status === 200, { what: 'it is served' });
  const { body } = await expectStatus(200, world.admin.get(`/api/auth/tokens?principal=${alice.id}`));
  const listed = (body['results'] ?? body['tokens']) as { id: string; createdAt: string }[];
  const newest = listed.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
  await killNats();
  await expectStatus(200, thief.get(table.objects));
  await expectStatus(204, world.admin.delete(`/api/auth/tokens/${String(newest?.id)}`));
  await throughout(async () => {
    for (const answer of await Promise.all([
      thief.get(table.objects),
      thief.post(table.objects, { titel: 'stolen' }),
    ]))
      expectUnavailable(answer);
    await expectStatus(200, alice.get(table.objects));
  });
  await restartNats();
  await waitFor(async () => (await thief.get(table.objects)).status === 401, { what: 'it is unauthorized' });
});

test('a rule that is tightened while NATS is away stops the requests that it may concern', async () => {
  await expectStatus(
    200,
    world.admin.put(`/api/policies/schema/${table.schemaId}`, { authorization: { read: [], create: [] } }),
  );
  expectUnavailable(await alice.get(table.objects));
  expectUnavailable(await alice.post(table.objects, { titel: 'a' }));
  await restartNats();
  await waitFor(async () => (await alice.post(table.objects, { titel: 'a' })).status === 404, {
    what: 'it is refused by the new rule',
  });
  await expectStatus(200, world.admin.put(`/api/policies/schema/${table.schemaId}`, { authorization: null }));
});

test('a credential that was never seen is not served while nobody can say whose it is', async () => {
  await restartNats();
  const unseen = await world.createToken(alice.id, undefined);
  await killNats();
  expectUnavailable(await unseen.get(table.objects));
  await expectStatus(200, alice.get(table.objects));
});

test('a database that was restarted meanwhile, and may be a restored one, is not trusted before the relay is back', async () => {
  await expectStatus(200, alice.get(table.objects));
  await world.platform.restart('postgres', 'SIGTERM');
  await throughout(async () => {
    expect((await alice.get(table.objects)).status).toBeGreaterThanOrEqual(500);
  });
  expectUnavailable(await alice.get(table.objects));
});

test('the service itself, started while NATS is away, serves nobody until it has the rights', async () => {
  await world.platform.kill('records');
  const restarted = world.platform.restart('records', 'SIGKILL');
  await waitFor(async () => [502, 503].includes((await alice.get(table.objects)).status), {
    what: 'refused',
  });
  await restartNats();
  await restarted;
  await waitFor(async () => (await alice.get(table.objects)).status === 200, {
    timeoutMs: 60_000,
    what: 'it is answered',
  });
});
