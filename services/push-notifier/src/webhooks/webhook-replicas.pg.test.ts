import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isBodySignedBy, isSignedBy } from '../../test/webhook-endpoint.ts';
import { ALICE, BOB, WebhookWorld, titlesOf } from '../../test/webhook-world.ts';
import type { Replica } from '../../test/webhook-world.ts';

const SECOND = 1000;
const DAY = 86_400 * SECOND;

let world: WebhookWorld;
let replica: Replica;
beforeEach(async () => {
  ({ world, replica } = await WebhookWorld.startWhole());
});
afterEach(() => world[Symbol.asyncDispose]());

test('a replica that is killed loses its webhooks to another one within 15 seconds, and no event is lost', async () => {
  const { id } = await world.registered(replica);
  await world.created('een');
  await world.until(replica, id, ({ counts }) => counts.delivered === 1);
  const other = await world.replica();
  await other.webhooks.wake();
  await replica.kill();
  await world.created('twee');
  await other.webhooks.wake();
  // The dead one still counts.
  expect([other.webhooks.held, world.endpoint.received.length]).toEqual([0, 1]);
  world.clock.advance(15 * SECOND);
  await other.webhooks.wake();
  await world.created('drie');
  expect(titlesOf(await world.endpoint.until(3))).toEqual(['een', 'twee', 'drie']);
  await world.until(other, id, ({ counts }) => counts.delivered === 3);
});

test('a replica that is killed while an endpoint has yet to answer has the event told again, before those behind it', async () => {
  await world.registered(replica);
  const other = await world.replica();
  await other.webhooks.wake();
  world.endpoint.reply = () => 'never';
  await world.created('een');
  await world.created('twee');
  await world.endpoint.until(1);
  await replica.kill();
  world.endpoint.reply = () => ({ status: 204 });
  world.clock.advance(15 * SECOND);
  await other.webhooks.wake();
  const received = await world.endpoint.until(3);
  expect(titlesOf(received)).toEqual(['een', 'een', 'twee']);
  expect(received[0]?.headers['webhook-id']).toBe(received[1]?.headers['webhook-id']);
});

test('a replica that lost a webhook without noticing cannot write how far it is', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => 'never';
  await world.created('een');
  await world.endpoint.until(1);
  // Somebody else has taken it over, and is done with the event.
  await replica.pool.query(
    `UPDATE push.webhooks SET holder = 'other', sequence = sequence + 1, failures = 3`,
  );
  await waitFor(
    () => {
      if (replica.webhooks.held === 0) return true;
      // Its patience with the endpoint may begin only after the request has arrived.
      world.clock.advance(SECOND);
      return false;
    },
    { what: 'it notices', timeoutMs: 20_000 },
  );
  expect(await world.log(replica, id)).toEqual([]);
  expect(await replica.webhooks.registry.get(BOB, id)).toMatchObject({ failures: 3, counts: { failed: 0 } });
});

test('replicas share the webhooks, also with one that comes later, and hand them over when they stop', async () => {
  for (const name of ['a', 'b', 'c', 'd']) {
    await world.registered(replica, { name, url: world.endpoint.url(`/${name}`) });
  }
  await waitFor(() => replica.webhooks.held === 4, { what: 'one replica delivers all of them' });
  const other = await world.replica();
  await waitFor(
    async () => {
      await replica.webhooks.wake();
      await other.webhooks.wake();
      return replica.webhooks.held === 2 && other.webhooks.held === 2;
    },
    { what: 'each delivers half of them' },
  );
  await world.created('een');
  for (const name of ['a', 'b', 'c', 'd']) await world.endpoint.until(1, `/${name}`);
  await replica.webhooks.drain();
  await replica.webhooks.stop();
  await other.webhooks.wake();
  await waitFor(() => other.webhooks.held === 4, { what: 'the other one delivers all of them' });
  await world.created('twee');
  for (const name of ['a', 'b', 'c', 'd']) {
    expect(titlesOf(await world.endpoint.until(2, `/${name}`))).toEqual(['een', 'twee']);
  }
});

test('what is on its way when a replica drains may arrive, and is not told again', async () => {
  const { id } = await world.registered(replica);
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  world.endpoint.reply = () => 'never';
  await world.created('een');
  await world.endpoint.until(1);
  const drained = replica.webhooks.drain().then(() => answer());
  expect(await replica.webhooks.registry.get(BOB, id)).toMatchObject({ failures: 0 });
  // The endpoint has its whole time.
  world.clock.advance(15 * SECOND);
  await Promise.all([answered, drained]);
  expect(await replica.webhooks.registry.get(BOB, id)).toMatchObject({ failures: 1, counts: { failed: 1 } });
  await replica.webhooks.wake();
  expect(replica.webhooks.held).toBe(0);
});

test('an endpoint that never answers delays nobody else, and is given up after 15 seconds', async () => {
  world.endpoint.reply = ({ path }) => (path === '/never' ? 'never' : { status: 204 });
  // Eight of one principal, which is as many as one principal and one host have places.
  const stuck: string[] = [];
  for (let number = 0; number < 9; number += 1) {
    stuck.push((await world.registered(replica, { url: world.endpoint.url('/never') })).id);
  }
  const free = await world.registered(
    replica,
    { url: world.endpoint.url('/free').replace('127.0.0.1', 'localhost') },
    ALICE,
  );
  await waitFor(() => replica.webhooks.held === 10, { what: 'all are followed' });
  expect(free.enabled).toBe(true);
  await world.created('een');
  await world.endpoint.until(8, '/never');
  await world.endpoint.until(1, '/free');
  await world.created('twee');
  expect(titlesOf(await world.endpoint.until(2, '/free'))).toEqual(['een', 'twee']);
  // What was answered may still be written down.
  await waitFor(() => replica.webhooks.underWay === 8, { what: 'the others are under way' });
  expect(world.endpoint.at('/never')).toHaveLength(8);
  world.clock.advance(15 * SECOND);
  // The ninth had no place until then. What it waited with is judged again.
  await world.endpoint.until(9, '/never');
  await waitFor(
    async () => {
      const seen = await Promise.all(stuck.map((id) => replica.webhooks.registry.get(BOB, id)));
      return seen.filter(({ failures }) => failures === 1).length === 8;
    },
    { what: 'eight are given up' },
  );
  const [first] = stuck;
  expect((await world.log(replica, first ?? ''))[0]).toMatchObject({
    status: null,
    answer: null,
    message: 'It did not answer in time.',
    durationMs: 15 * SECOND,
  });
});

test('what waits for a place when a right is lost is not posted', async () => {
  world.endpoint.reply = () => 'never';
  for (let number = 0; number < 9; number += 1) await world.registered(replica);
  await waitFor(() => replica.webhooks.held === 9, { what: 'all are followed' });
  const row = await world.created('van iedereen');
  await world.endpoint.until(8);
  await world.platform.updated(row, { properties: { titel: 'vertrouwelijk', status: 'intern' } });
  world.endpoint.reply = () => ({ status: 204 });
  world.clock.advance(15 * SECOND);
  await waitFor(() => replica.webhooks.underWay === 0, { what: 'all are done' });
  await replica.webhooks.wake();
  const ninth = world.endpoint.received.slice(8).map(({ json }) => json.data.object);
  expect(ninth.filter((object) => object !== undefined)).toEqual([]);
});

test('what waits for a place when its owner wants something else is not posted', async () => {
  world.endpoint.reply = () => 'never';
  const ids: string[] = [];
  for (let number = 0; number < 9; number += 1) ids.push((await world.registered(replica)).id);
  await waitFor(() => replica.webhooks.held === 9, { what: 'all are followed' });
  await world.created('een');
  const received = await world.endpoint.until(8);
  const busy = new Set(received.map(({ headers }) => String(headers['webhook-id']).split('_')[1]));
  const waiting = ids.find((id) => !busy.has(id)) ?? '';
  const { registry } = replica.webhooks;
  await registry.change(BOB, waiting, { filter: { titel: 'twee' }, url: world.endpoint.url('/ninth') });
  world.endpoint.reply = () => ({ status: 204 });
  world.endpoint.answerAll(204);
  await world.created('twee');
  expect(titlesOf(await world.endpoint.until(1, '/ninth'))).toEqual(['twee']);
  await world.until(replica, waiting, ({ counts }) => counts.delivered === 1);
  expect(world.endpoint.at('/ninth')).toHaveLength(1);
});

test('for a day after a rotation both secrets sign, and then the new one alone', async () => {
  const { id, secret: old } = await world.registered(replica);
  const rotated = await replica.webhooks.registry.rotate(BOB, id);
  expect(Date.parse(rotated.previousSecretUntil) - world.clock.now()).toBe(DAY);
  await world.created('een');
  const [first] = await world.endpoint.until(1);
  if (first === undefined) throw new Error('nothing came');
  expect([isSignedBy(old, first), isSignedBy(rotated.secret, first)]).toEqual([true, true]);
  expect([isBodySignedBy(old, first), isBodySignedBy(rotated.secret, first)]).toEqual([false, true]);
  world.clock.advance(DAY);
  await world.created('twee');
  const second = (await world.passUntil(replica, 2))[1];
  if (second === undefined) throw new Error('nothing came');
  expect([isSignedBy(old, second), isSignedBy(rotated.secret, second)]).toEqual([false, true]);
});

test('what an owner changes counts from the next attempt on, also of a stream that is idle', async () => {
  const { id } = await world.registered(replica, { topics: [`object/${crypto.randomUUID()}`] });
  await waitFor(() => replica.webhooks.held === 1, { what: 'it is followed' });
  const { registry } = replica.webhooks;
  await registry.change(BOB, id, { topics: ['register/zaken'], headers: { 'X-Key': 'new' } });
  await world.created('een');
  const [received] = await world.endpoint.until(1);
  expect(received?.headers['x-key']).toBe('new');
  await world.until(replica, id, ({ counts }) => counts.delivered === 1);
  await registry.change(BOB, id, { enabled: false });
  await world.created('twee');
  await replica.webhooks.wake();
  await waitFor(() => replica.webhooks.held === 0, { what: 'nobody delivers it' });
  expect(world.endpoint.received).toHaveLength(1);
  await registry.change(BOB, id, { enabled: true, url: world.endpoint.url('/elsewhere') });
  expect(titlesOf(await world.endpoint.until(1, '/elsewhere'))).toEqual(['twee']);
  await world.until(replica, id, ({ counts }) => counts.delivered === 2);
  await registry.remove(BOB, id);
  await world.created('drie');
  await replica.webhooks.wake();
  await waitFor(() => replica.webhooks.held === 0, { what: 'it is let go' });
  expect(world.endpoint.received).toHaveLength(2);
});

test('an answer to what was sent before a change says nothing about what is sent after it', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = ({ path }) => (path === '/hook' ? 'never' : { status: 204 });
  await world.created('een');
  await world.endpoint.until(1);
  await replica.webhooks.registry.change(BOB, id, { url: world.endpoint.url('/better') });
  world.clock.advance(15 * SECOND);
  await world.endpoint.until(1, '/better');
  expect(await world.until(replica, id, ({ counts }) => counts.delivered === 1)).toMatchObject({
    failures: 0,
    counts: { failed: 0 },
  });
});

test('while no gateway answers nothing is lost, and nobody is disabled', async () => {
  const { id } = await world.registered(replica);
  await world.created('een');
  await world.endpoint.until(1);
  await world.replaceGateways();
  await world.created('twee');
  // The stream of the gateway that was killed is silent: after two heartbeats and a half another one is asked.
  await world.passUntil(replica, 2);
  expect(titlesOf(world.endpoint.received)).toEqual(['een', 'twee']);
  expect(await replica.webhooks.registry.get(BOB, id)).toMatchObject({ enabled: true, failures: 0 });
});

test('a webhook that has nothing to tell moves with the log', async () => {
  await replica.webhooks.stop();
  replica = await world.replica({ heartbeatMs: 250 });
  const told = await world.overhear();
  const { id } = await world.registered(replica, { filter: { titel: 'nooit' } });
  await world.created('een');
  await world.created('twee');
  const { position } = world.platform;
  await waitFor(() => told.some((text) => text.includes(`"heartbeat","eventId":"${position}"`)), {
    what: 'it is told its place',
  });
  await replica.webhooks.drain();
  expect(await replica.webhooks.registry.get(BOB, id)).toMatchObject({ lastEventId: position });
  expect(world.endpoint.received).toEqual([]);
});
