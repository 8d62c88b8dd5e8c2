import type { ServerResponse } from 'node:http';
import { waitFor } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { OddServer, answerJson, answerProblem } from '../../test/odd-server.ts';
import type { OddRequest } from '../../test/odd-server.ts';
import { createTestRuntime } from '../../test/test-runtime.ts';
import type { TestRuntime } from '../../test/test-runtime.ts';
import { TestOrder, Witness, toTable } from '../../test/witness.ts';
import { createLongPollTransport } from './long-poll.ts';
import type { Handshake, TransportConnection } from './transport.ts';

/** A poll that waits for its answer. */
interface Poll {
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly response: ServerResponse;
}

interface Scene extends TestRuntime, AsyncDisposable {
  readonly server: OddServer;
  readonly witness: Witness;
  readonly connection: TransportConnection;
  /** Polls that have not been answered, the oldest first. */
  readonly waiting: Poll[];
  /** The next poll that is not answered yet. */
  poll(): Promise<Poll>;
}

async function openScene(handshakes: readonly Handshake[], answerMe = 200): Promise<Scene> {
  const waiting: Poll[] = [];
  const answer = ({ path, query, headers }: OddRequest, response: ServerResponse): void => {
    if (path !== '/api/realtime/poll') {
      if (answerMe === 200) answerJson(response, 200, {});
      else answerProblem(response, answerMe, 'UNAUTHORIZED');
      return;
    }
    const poll = { query, authorization: headers.authorization, response };
    waiting.push(poll);
    response.on('close', () => {
      const place = waiting.indexOf(poll);
      if (place >= 0) waiting.splice(place, 1);
    });
  };
  const server = await OddServer.start({ answer });
  const time = createTestRuntime();
  const witness = new Witness();
  const transport = createLongPollTransport(time.runtime);
  if (transport === undefined) throw new Error('there are no polls');
  const connection = transport.open(new TestOrder(server.url, handshakes), witness);
  if (witness.told > 0) throw new Error('it tells something before it is there');
  return {
    ...time,
    server,
    witness,
    connection,
    waiting,
    poll: async () => {
      await waitFor(() => waiting.length > 0, { what: 'it is polled' });
      return waiting.shift() as Poll;
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const NOTHING = { messages: [], more: false };
const change = (eventId: string): object => ({ type: 'change', event: 'delete', table: 'orders', eventId });
const asked = ({ query }: Poll): object => Object.fromEntries(query);

test('begins with the position, and waits from there', async () => {
  await using scene = await openScene([toTable('s1')]);
  const first = await scene.poll();
  expect(asked(first)).toEqual({ table: 'orders', timeoutMs: '0' });
  answerJson(first.response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  const second = await scene.poll();
  expect(asked(second)).toEqual({ table: 'orders', timeoutMs: '25000', lastEventId: 'evt-1' });
  expect(second.authorization).toBe('Bearer secret');
  expect(scene.witness).toMatchObject({
    openings: 1,
    messages: [
      { type: 'subscribed', subscriptionId: 's1', table: 'orders', eventId: 'evt-1' },
      { type: 'heartbeat', subscriptionId: 's1', eventId: 'evt-1', timestamp: '2026-01-01T00:00:00.000Z' },
    ],
  });
});

test('goes on from a cursor without a wait, brings what was missed, and more at once', async () => {
  await using scene = await openScene([toTable('s1', { lastEventId: 'evt-1', sort: 'total:asc' })]);
  const first = await scene.poll();
  expect(asked(first)).toEqual({ table: 'orders', timeoutMs: '0', lastEventId: 'evt-1' });
  answerJson(first.response, 200, {
    messages: [change('evt-2'), change('evt-3')],
    lastEventId: 'evt-4',
    more: true,
  });
  const second = await scene.poll();
  expect(asked(second)).toMatchObject({ timeoutMs: '0', lastEventId: 'evt-4' });
  answerJson(second.response, 200, { ...NOTHING, lastEventId: 'evt-5' });
  expect(asked(await scene.poll())).toMatchObject({ timeoutMs: '25000', lastEventId: 'evt-5' });
  expect(scene.witness.messages).toMatchObject([
    { type: 'subscribed', subscriptionId: 's1' },
    { type: 'change', subscriptionId: 's1', eventId: 'evt-2' },
    { type: 'change', subscriptionId: 's1', eventId: 'evt-3' },
    { type: 'heartbeat', subscriptionId: 's1', eventId: 'evt-4' },
    { type: 'heartbeat', subscriptionId: 's1', eventId: 'evt-5' },
  ]);
  expect(scene.witness.messages[0]).not.toHaveProperty('eventId');
});

test('a resync is that of its subscription, and the cursor goes on from it', async () => {
  await using scene = await openScene([toTable('s1', { lastEventId: 'evt-1' })]);
  const resync = { reason: 'expired', oldest: 'evt-5', current: 'evt-9' };
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-9', resync });
  expect(asked(await scene.poll())).toMatchObject({ lastEventId: 'evt-9' });
  expect(scene.witness.messages).toMatchObject([
    { type: 'subscribed', subscriptionId: 's1' },
    { type: 'resync', ...resync, scope: ['s1'] },
  ]);
});

test('events of a topic come as a socket brings them', async () => {
  const topic = 'register/zaken';
  await using scene = await openScene([
    { type: 'subscribe', topic, subscriptionId: 's1', lastEventId: 'evt-1' },
  ]);
  const event = { id: 'evt-2', type: 'x' };
  answerJson((await scene.poll()).response, 200, { events: [event], lastEventId: 'evt-2', more: false });
  await scene.witness.until('heartbeat');
  expect(scene.witness.messages.slice(0, 2)).toMatchObject([
    { type: 'subscribed', subscriptionId: 's1', topic },
    { type: 'event', subscriptionId: 's1', event },
  ]);
});

test('four wait at once; more take turns with shorter waits, and everybody has one', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `t${index}`);
  await using scene = await openScene(names.map((table, index) => toTable(`s${index}`, { table })));
  const order: (string | null)[] = [];
  const waits: (string | null)[] = [];
  for (let turn = 0; turn < 30; turn += 1) {
    await waitFor(() => scene.waiting.length === 4, { what: 'four wait' });
    const { query, response } = await scene.poll();
    order.push(query.get('table'));
    waits.push(query.get('timeoutMs'));
    answerJson(response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  }
  expect(scene.server.requests.length).toBeLessThanOrEqual(34);
  for (const from of [0, 10, 20]) expect(new Set(order.slice(from, from + 10))).toEqual(new Set(names));
  expect(new Set(waits.slice(0, 10))).toEqual(new Set(['0']));
  expect(new Set(waits.slice(10))).toEqual(new Set(['4000']));
});

test.each([
  [400, 'MALFORMED_FILTER'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [410, 'GONE'],
])('%s %s ends its subscription, and the others go on', async (status, code) => {
  await using scene = await openScene([toTable('s1'), toTable('s2', { table: 'others' })]);
  await waitFor(() => scene.waiting.length === 2, { what: 'both are polled' });
  for (const { query, response } of scene.waiting) {
    if (query.get('table') === 'orders') answerProblem(response, status, code);
    else answerJson(response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  }
  await scene.witness.until('unsubscribed');
  await scene.witness.until('heartbeat');
  expect(scene.witness.of('error')).toMatchObject([
    { subscriptionId: 's1', code, message: `refused as ${code}` },
  ]);
  expect(scene.witness.of('unsubscribed')).toMatchObject([{ subscriptionId: 's1', table: 'orders' }]);
  await waitFor(() => scene.waiting[0]?.query.get('timeoutMs') === '25000', { what: 'the other one waits' });
  expect(scene.waiting.map(({ query }) => query.get('table'))).toEqual(['others']);
  expect(scene.witness).toMatchObject({ openings: 1, ends: [] });
});

test.each<[string, (response: ServerResponse) => unknown, object]>([
  ['401', (response) => answerProblem(response, 401, 'UNAUTHORIZED'), { kind: 'unauthorized' }],
  [
    '429',
    (response) => answerProblem(response, 429, 'TOO_MANY_CONNECTIONS', { 'retry-after': '4' }),
    { kind: 'lost', retryAfterMs: 4000 },
  ],
  [
    '503',
    (response) => answerProblem(response, 503, 'DRAINING'),
    { kind: 'lost', error: { code: 'DRAINING' } },
  ],
  ['a reset', (response) => response.destroy(), { kind: 'lost', error: { code: 'NETWORK' } }],
  [
    "a proxy's page",
    (response) => response.end('<html>'),
    { kind: 'lost', error: { code: 'UNUSABLE_ANSWER' } },
  ],
  [
    "a proxy's refusal",
    (response) => response.writeHead(404).end('<html>'),
    { kind: 'lost', error: { code: 'UNUSABLE_ANSWER' } },
  ],
  ['other JSON', (response) => response.end('[]'), { kind: 'lost', error: { code: 'UNUSABLE_ANSWER' } }],
])('%s ends everything', async (_what, spoil, end) => {
  await using scene = await openScene([toTable('s1'), toTable('s2')]);
  await waitFor(() => scene.waiting.length === 2, { what: 'both are polled' });
  spoil((await scene.poll()).response);
  expect(await scene.witness.untilEnded()).toMatchObject(end);
  await waitFor(() => scene.waiting.length === 0, { what: 'the other poll is given up' });
  expect(scene.server.requests).toHaveLength(2);
});

test('a poll that is not answered long after its wait is lost', async () => {
  await using scene = await openScene([toTable('s1')]);
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  await waitFor(() => scene.waiting.length === 1, { what: 'it waits' });
  scene.clock.advance(39_999);
  expect(scene.witness.ends).toEqual([]);
  scene.clock.advance(1);
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'lost', error: { code: 'NETWORK' } });
});

test('a ping has what waits answered at once', async () => {
  await using scene = await openScene([toTable('s1')]);
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  await waitFor(() => scene.waiting[0]?.query.get('timeoutMs') === '25000', { what: 'it waits' });
  scene.connection.ping();
  await waitFor(() => scene.waiting.at(-1)?.query.get('timeoutMs') === '0', {
    what: 'it does not wait any more',
  });
  await waitFor(() => scene.waiting.length === 1, { what: 'the one that waited is given up' });
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  await scene.witness.until('heartbeat', 2);
  expect(scene.witness.ends).toEqual([]);
});

test('without a subscription it is open, and a ping asks who we are', async () => {
  await using scene = await openScene([]);
  await scene.witness.untilOpened();
  scene.connection.ping();
  await waitFor(() => scene.witness.signs === 1, { what: 'the server has given a sign of life' });
  scene.connection.add(toTable('s1'));
  expect(asked(await scene.poll())).toEqual({ table: 'orders', timeoutMs: '0' });
});

test('without a subscription a ping finds that the credential does not count', async () => {
  await using scene = await openScene([], 401);
  scene.connection.ping();
  expect(await scene.witness.untilEnded()).toMatchObject({ kind: 'unauthorized' });
});

test('polls go on with another credential, also one that waited with the old one when that ended', async () => {
  await using scene = await openScene([toTable('s1')]);
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  const waiting = await scene.poll();
  scene.connection.renew(null);
  scene.connection.renew('another');
  answerProblem(waiting.response, 401, 'CREDENTIAL_ENDED');
  const next = await scene.poll();
  expect(next.authorization).toBe('Bearer another');
  expect(asked(next)).toMatchObject({ lastEventId: 'evt-1' });
  expect(scene.witness.ends).toEqual([]);
});

test('a subscription that is removed is not polled, and one that is added is', async () => {
  await using scene = await openScene([toTable('s1', { table: 'one' })]);
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-1' });
  await waitFor(() => scene.waiting.length === 1, { what: 'it waits' });
  scene.connection.add(toTable('s2', { table: 'two' }));
  scene.connection.remove('s1');
  await waitFor(() => scene.waiting.every(({ query }) => query.get('table') === 'two'), {
    what: 'only two is polled',
  });
  answerJson((await scene.poll()).response, 200, { ...NOTHING, lastEventId: 'evt-2' });
  await scene.witness.until('subscribed', 2);
  expect(scene.witness.ends).toEqual([]);
});

test('nothing is told or asked after it was closed', async () => {
  await using scene = await openScene([toTable('s1')]);
  const { connection, witness, server, clock } = scene;
  await waitFor(() => scene.waiting.length === 1, { what: 'it is polled' });
  connection.close();
  connection.close();
  connection.ping();
  connection.add(toTable('s2'));
  clock.advance(60_000);
  await waitFor(() => scene.waiting.length === 0, { what: 'the poll is given up' });
  expect(witness.told).toBe(0);
  expect(server.requests).toHaveLength(1);
});
