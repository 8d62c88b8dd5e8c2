import { SEVERAL_LIMITS } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SseClient } from '../test/sse-client.ts';
import { World } from '../test/world.ts';
import type { TestGateway } from '../test/world.ts';

const PATH = '/api/realtime/subscribe';
const TABLE = { table: 'zaken-meldingen' };
const ORIGIN = 'https://app.example';

let world: World;
let gateway: TestGateway;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  gateway = await world.gateway({
    TIDEWIRE_ALLOWED_ORIGINS: ORIGIN,
    TIDEWIRE_CONNECTION_BUDGET_BYTES: '65536',
  });
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** Status and code of a refusal, and what is wrong with which part of the body. */
async function refusalOf(
  body: unknown,
  { path = PATH, headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<readonly unknown[]> {
  const all = { authorization: `Bearer ${alice}`, ...headers };
  using answer = await SseClient.open(gateway.url(path), all, body);
  const { code, errors = [] } = await answer.json();
  expect(answer.headers['tidewire-connection']).toBeUndefined();
  return [answer.status, code, ...errors.map(({ field }: { field: string }) => field)];
}

test.each<[what: string, body: unknown, fields: readonly string[]]>([
  ['nothing', '', ['']],
  ['no JSON', '{', ['']],
  ['no object', [TABLE], ['']],
  ['no subscriptions', {}, ['/subscriptions']],
  ['an empty list', { subscriptions: [] }, ['/subscriptions']],
  ['a member that is not known', { subscriptions: [TABLE], lastEventId: 'x' }, ['/lastEventId']],
  ['a handshake of neither', { subscriptions: [TABLE, {}] }, ['/subscriptions/1/table']],
  [
    'a handshake with a member that is not known',
    { subscriptions: [TABLE, { ...TABLE, colour: 'red' }] },
    ['/subscriptions/1/colour'],
  ],
  [
    'a topic without a type, as a socket has it',
    { subscriptions: [{ topic: 'register/zaken' }] },
    ['/subscriptions/0/type'],
  ],
  [
    'more subscriptions than a stream has',
    { subscriptions: Array.from({ length: SEVERAL_LIMITS.maxSubscriptions + 1 }, () => TABLE) },
    ['/subscriptions'],
  ],
])('a body with %s is refused before the stream', async (_what, body, fields) => {
  const [status, code, ...wrong] = await refusalOf(body);
  expect([status, code]).toEqual([400, 'VALIDATION_ERROR']);
  expect(wrong).toEqual(fields);
});

test('who may not connect is told so by an HTTP answer, before anything is looked at', async () => {
  const wrong = { headers: { authorization: 'Bearer nonsense' } };
  expect(await refusalOf({ subscriptions: [TABLE] }, wrong)).toEqual([401, 'UNAUTHORIZED']);
  expect(await refusalOf({ nonsense: true }, wrong)).toEqual([401, 'UNAUTHORIZED']);
  const path = `${PATH}?lastEventId=evt-0abcdefg-000000000001`;
  expect(await refusalOf({ subscriptions: [TABLE] }, { path })).toEqual([400, 'BAD_REQUEST', 'lastEventId']);
  const plain = { headers: { 'content-type': 'text/plain' } };
  expect(await refusalOf({ subscriptions: [TABLE] }, plain)).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
});

test('a body of the largest size is taken, and one byte more is not', async () => {
  const json = JSON.stringify({ subscriptions: [TABLE] });
  const padded = json.padEnd(SEVERAL_LIMITS.maxBodyBytes, ' ');
  using stream = await SseClient.open(gateway.url(PATH), { authorization: `Bearer ${alice}` }, padded);
  await stream.untilType('subscribed');
  expect(await refusalOf(`${padded} `)).toEqual([413, 'PAYLOAD_TOO_LARGE']);
});

test('a session cookie opens a stream for allowed pages only', async () => {
  const open = async (origin: string | undefined): Promise<number> => {
    const headers = { cookie: `tidewire_session=${alice}`, ...(origin !== undefined && { origin }) };
    using stream = await gateway.several(undefined, [TABLE], headers);
    return stream.status;
  };
  expect(await open(ORIGIN)).toBe(200);
  expect(await open('https://evil.example')).toBe(403);
  expect(await open(`${ORIGIN}.evil.example`)).toBe(403);
  expect(await open(undefined)).toBe(403);
  using stream = await gateway.several(alice, [TABLE], { origin: 'https://evil.example' });
  expect(stream.status).toBe(200);
});

test('a temporary condition is no error for who accepts a stream, and 503 for everybody else', async () => {
  world.platform.authzAway = true;
  using stream = await gateway.several(alice, [TABLE]);
  expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
  expect(await stream.untilClosed()).toBe('end');
  expect(stream.text).toMatch(/^retry: [1-8]\d{3}\n\n$/);
  using other = await gateway.several(alice, [TABLE], { accept: 'application/json' });
  expect([other.status, (await other.json()).code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
});

test('a stream is one connection, however much is subscribed to on it, and its place is free when it is over', async () => {
  const small = await world.gateway({ TIDEWIRE_MAX_CONNECTIONS_PER_USER: '2' });
  const several = [TABLE, { ...TABLE, subscriptionId: 'b' }, { ...TABLE, subscriptionId: 'c' }];
  using socket = await small.socket(alice, PATH);
  const stream = await small.several(alice, several);
  expect([socket.status, stream.status]).toEqual([101, 200]);
  await stream.untilType('subscribed', 3);
  expect(await small.metric('connections')).toBe(2);
  using refused = await small.several(alice, several);
  expect([refused.status, (await refused.json()).code]).toEqual([429, 'TOO_MANY_CONNECTIONS']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  stream[Symbol.dispose]();
  await waitFor(async () => (await small.metric('subscriptions')) === 0, { what: 'it is forgotten' });
  using again = await small.several(alice, several);
  expect(again.status).toBe(200);
});

test('subscriptions beyond the limit of a connection are refused one by one, and those that are there go on', async () => {
  const small = await world.gateway({ TIDEWIRE_MAX_SUBSCRIPTIONS_PER_CONNECTION: '2' });
  const several = ['a', 'b', 'c', 'd'].map((subscriptionId) => ({ ...TABLE, subscriptionId }));
  using stream = await small.several(alice, several);
  const refused = await stream.untilType('error', 2);
  expect(refused.map(({ code, subscriptionId }) => [code, subscriptionId])).toEqual([
    ['TOO_MANY_SUBSCRIPTIONS', 'c'],
    ['TOO_MANY_SUBSCRIPTIONS', 'd'],
  ]);
  await world.platform.created(world.row({ titel: 'a' }));
  await stream.untilType('change', 2);
});

test('as many subscriptions as a stream may have are told of the same change, each once', async () => {
  const names = Array.from({ length: SEVERAL_LIMITS.maxSubscriptions }, (_, index) => `s${index}`);
  using stream = await gateway.several(
    alice,
    names.map((subscriptionId) => ({ ...TABLE, subscriptionId })),
  );
  await stream.untilType('subscribed', names.length);
  await world.platform.created(world.row({ titel: 'a' }));
  const changes = await stream.untilType('change', names.length);
  expect(new Set(changes.map(({ subscriptionId }) => subscriptionId))).toEqual(new Set(names));
});

test('a name of a subscription is never taken for another’s, and ends no message', async () => {
  const names = ['a', 'a"', '__proto__', 'constructor', 'a\n\ndata: x', 'ü😀'];
  using stream = await gateway.several(
    alice,
    names.map((subscriptionId) => ({ ...TABLE, subscriptionId })),
  );
  await stream.untilType('subscribed', names.length);
  await world.platform.created(world.row({ titel: 'a' }));
  const changes = await stream.untilType('change', names.length);
  expect(new Set(changes.map(({ subscriptionId }) => subscriptionId))).toEqual(new Set(names));
});

test(
  'who does not read is told for each subscription to fetch again, and delays nobody',
  { timeout: 60_000 },
  async () => {
    using slow = await gateway.several(alice, [TABLE, { ...TABLE, subscriptionId: 'b' }]);
    using quick = await gateway.several(world.secret(world.bob), [TABLE]);
    await slow.untilType('subscribed', 2);
    await quick.untilType('subscribed');
    slow.pause();
    const large = 'x'.repeat(100_000);
    for (let index = 0; index < 150; index += 1) await world.platform.created(world.row({ titel: large }));
    await quick.untilType('change', 150);
    expect(quick.ofType('resync')).toEqual([]);
    slow.resume();
    const resyncs = await slow.untilType('resync', 2);
    expect(resyncs.map(({ reason }) => reason)).toEqual(['behind', 'behind']);
    expect(new Set(resyncs.flatMap(({ scope }) => scope))).toEqual(new Set(['b', 'zaken-meldingen']));
    await world.platform.created(world.row({ titel: 'after' }));
    await waitFor(
      () => slow.ofType('change').filter(({ record }) => record.fields.titel === 'after').length === 2,
      { what: 'both are live again' },
    );
  },
);
