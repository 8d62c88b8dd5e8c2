import { formatTimestamp } from '@tidewire/contract';
import { credentialOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, listConnections } from '../../test/operator.ts';
import type { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let admin: string;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  admin = world.secret(world.admin);
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

function idOf({ headers }: SseClient): string {
  return String(headers['tidewire-connection']);
}

test('an administrator sees every stream and every waiting poll of all gateways, whichever is asked', async () => {
  const first = await world.gateway();
  const second = await world.gateway();
  using here = await first.subscribe(alice, TOPIC);
  using there = await second.subscribe(world.secret(world.bob), TOPIC);
  const poll = second.startPoll(alice, `table=${world.schema.table}&timeoutMs=20000`);
  expect(here.comments[0]).toBe(`connection ${idOf(here)}`);
  for (const gateway of [first, second]) {
    const page = await waitFor(
      async () => {
        const listed = await listConnections(gateway, admin);
        return listed.total === 3 && listed;
      },
      { what: 'all three are listed' },
    );
    expect(page).toMatchObject({ incomplete: false, next: null });
    expect(page.connections.map(({ id }) => id)).toEqual(page.connections.map(({ id }) => id).toSorted());
    const found = new Map(page.connections.map((connection) => [connection.id, connection]));
    expect(found.get(idOf(here))).toMatchObject({
      principal: 'alice',
      credential: world.alice.credential.id,
      organisation: world.organisation.id,
      address: '127.0.0.1',
      transport: 'sse',
      topics: ['register/zaken/schema/meldingen'],
      tables: [],
    });
    expect(found.get(idOf(there))?.principal).toBe('bob');
    const polling = page.connections.find(({ transport }) => transport === 'poll');
    expect(polling).toMatchObject({ principal: 'alice', tables: [world.schema.table] });
    expect(new Set(page.connections.map((connection) => connection.gateway)).size).toBe(2);
  }
  poll.abort();
});

test('pages go on where the one before ended, and each connection is on one of them', async () => {
  const first = await world.gateway();
  const second = await world.gateway();
  const streams: SseClient[] = [];
  for (let index = 0; index < 7; index += 1) {
    streams.push(await (index % 2 === 0 ? first : second).subscribe(alice, TOPIC));
  }
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await listConnections(first, admin, { limit: '3', ...(cursor !== '' && { cursor }) });
    expect(page.total).toBe(7);
    expect(page.connections.length).toBeLessThanOrEqual(3);
    seen.push(...page.connections.map(({ id }) => id));
    cursor = page.next;
  }
  expect(seen).toEqual(streams.map(idOf).toSorted());
  for (const stream of streams) stream[Symbol.dispose]();
});

test('connections are found by principal, credential, organisation and address, and by all of them together', async () => {
  const gateway = await world.gateway({ TIDEWIRE_TRUSTED_PROXIES: 'loopback' });
  const second = credentialOf('alice');
  await world.platform.set(second);
  using one = await gateway.subscribe(alice, TOPIC, { 'x-forwarded-for': '198.51.100.7' });
  using two = await gateway.subscribe(world.platform.secretOf(second), TOPIC);
  using other = await gateway.subscribe(world.secret(world.bob), TOPIC);
  const find = async (query: Record<string, string>): Promise<string[]> =>
    (await listConnections(gateway, admin, query)).connections.map(({ id }) => id);
  expect(await find({ principal: 'alice' })).toEqual([idOf(one), idOf(two)].toSorted());
  expect(await find({ credential: second.id })).toEqual([idOf(two)]);
  expect(await find({ address: '198.51.100.7' })).toEqual([idOf(one)]);
  expect(await find({ principal: 'alice', address: '127.0.0.1' })).toEqual([idOf(two)]);
  const all = [idOf(one), idOf(two), idOf(other)].toSorted();
  expect(await find({ organisation: world.organisation.id })).toEqual(all);
  expect(await find({ organisation: second.id })).toEqual([]);
});

test('a connection that an operator ends is told so and not to come back, wherever it is; the others go on', async () => {
  const first = await world.gateway();
  const second = await world.gateway();
  using one = await second.subscribe(alice, TOPIC);
  using two = await second.subscribe(alice, TOPIC);
  using bob = await first.subscribe(world.secret(world.bob), TOPIC);
  const poll = first.startPoll(alice, `${TOPIC}&timeoutMs=20000`);
  await waitFor(async () => (await first.metric('polls_waiting')) === 1, { what: 'the poll waits' });
  expect((await ask(first, 'DELETE', `/api/connections/${idOf(one)}`, admin)).status).toBe(204);
  expect((await one.untilNamed('end')).data).toMatchObject({ code: 'CONNECTION_ENDED', reconnect: false });
  expect(await one.untilClosed()).toBe('end');
  expect((await ask(first, 'DELETE', `/api/connections/${idOf(one)}`, admin)).status).toBe(404);
  const ended = await ask(first, 'DELETE', '/api/connections?principal=alice', admin);
  expect(ended).toMatchObject({ status: 200, body: { ended: 2, incomplete: false } });
  expect((await two.untilNamed('end')).data.code).toBe('CONNECTION_ENDED');
  expect(await poll.reply).toMatchObject({ status: 403, body: { code: 'CONNECTION_ENDED' } });
  await world.platform.created(world.row({ titel: 'a' }));
  await bob.until(1);
});

test(
  'a gateway that does not answer is said to be missing, and what it may have is not said to be nowhere',
  { timeout: 60_000 },
  async () => {
    const gateway = await world.gateway();
    const frozen = await world.gatewayProcess();
    using stream = await frozen.subscribe(alice, TOPIC);
    await waitFor(async () => (await listConnections(gateway, admin)).total === 1, { what: 'both answer' });
    frozen.pause();
    try {
      expect(await listConnections(gateway, admin)).toMatchObject({
        connections: [],
        total: 0,
        incomplete: true,
      });
      const one = await ask(gateway, 'DELETE', `/api/connections/${idOf(stream)}`, admin);
      expect(one).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
      expect(one.headers.get('retry-after')).not.toBeNull();
    } finally {
      frozen.resume();
    }
    await waitFor(async () => !(await listConnections(gateway, admin)).incomplete, {
      what: 'both answer again',
    });
  },
);

test('a stream goes on with another credential, given at any gateway, and lives as long as that one', async () => {
  const first = await world.gateway();
  const second = await world.gateway();
  using stream = await first.subscribe(alice, TOPIC);
  const renewed = credentialOf('alice');
  await world.platform.set(renewed);
  const path = `/api/realtime/connections/${idOf(stream)}/token`;
  expect((await ask(second, 'POST', path, world.platform.secretOf(renewed))).status).toBe(204);
  await world.platform.change(world.alice.credential, { endedAt: formatTimestamp(Date.now()) });
  await world.platform.created(world.row({ titel: 'a' }));
  expect((await stream.until(1)).map(({ event }) => event)).toEqual(['object.created']);
  const [listed] = (await listConnections(second, admin)).connections;
  expect(listed).toMatchObject({ id: idOf(stream), credential: renewed.id });
  await world.platform.change(renewed, { endedAt: formatTimestamp(Date.now()) });
  expect((await stream.untilNamed('end')).data).toMatchObject({ code: 'CREDENTIAL_ENDED' });
});

test('a stream is warned before its credential ends, and goes on when that is renewed or given more time', async () => {
  const gateway = await world.gateway({ TIDEWIRE_CREDENTIAL_WARNING_MS: '60000' });
  const expiresAt = formatTimestamp(Date.now() + 3000);
  const brief = { ...credentialOf('alice'), expiresAt };
  const extended = { ...credentialOf('alice'), expiresAt };
  await world.platform.set(brief, extended);
  using stream = await gateway.subscribe(world.platform.secretOf(brief), TOPIC);
  using session = await gateway.subscribe(world.platform.secretOf(extended), TOPIC);
  using lasting = await gateway.subscribe(alice, TOPIC);
  const cursor = stream.lastEventId;
  expect((await stream.untilNamed('credential-expiring')).data).toEqual({ expiresAt });
  expect(stream.lastEventId).toBe(cursor);
  await session.untilNamed('credential-expiring');
  const later = formatTimestamp(Date.now() + 50_000);
  await world.platform.change(extended, { expiresAt: later });
  const path = `/api/realtime/connections/${idOf(stream)}/token`;
  expect((await ask(gateway, 'POST', path, alice)).status).toBe(204);
  // Told anew of the new time, which is near enough.
  await waitFor(() => session.named('credential-expiring')[1]?.data.expiresAt === later, {
    what: 'the warning of the new time',
    timeoutMs: 5000,
  });
  await waitFor(() => Date.now() > Date.parse(expiresAt) + 1500, {
    what: 'the first credentials are over',
    timeoutMs: 10_000,
  });
  await world.platform.created(world.row({ titel: 'a' }));
  for (const each of [stream, session, lasting]) {
    await waitFor(() => each.named('object.created').length === 1, { what: 'all go on' });
  }
  expect(lasting.named('credential-expiring')).toEqual([]);
  expect(stream.named('credential-expiring')).toHaveLength(1);
});
