import { waitFor } from '@tidewire/test-kit';
import type { SocketMessage } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask } from '../../test/operator.ts';
import { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let alice: string;

beforeEach(async () => {
  world = await World.start();
  alice = world.secret(world.alice);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

test('a gateway that cannot confirm the rights of now says so in its status and its metrics', async () => {
  const gateway = await world.gateway({ TIDEWIRE_STALENESS_LIMIT_MS: '1000' });
  const status = async () => (await ask(gateway, 'GET', '/api/realtime/status', alice)).body;
  using stream = await gateway.subscribe(alice, TOPIC);
  expect(await status()).toMatchObject({ delivery: 'live', connections: { own: 1 } });
  expect(await gateway.metric('delivering')).toBe(1);
  world.platform.pauseBeats();
  await waitFor(async () => (await status()).delivery === 'held', {
    what: 'the status says that events are held',
  });
  expect(await gateway.metric('delivering')).toBe(0);
  expect(await gateway.metric('staleness_seconds')).toBeGreaterThan(1);
  world.platform.resumeBeats();
  await waitFor(async () => (await status()).delivery === 'live', { what: 'events are delivered again' });
  expect(stream.closed).toBeUndefined();
});

test(
  'streams and polls of a gateway that stays stale end with a code of its own, and lose nothing by going on elsewhere',
  { timeout: 60_000 },
  async () => {
    const stale = await world.gateway({
      TIDEWIRE_STALENESS_LIMIT_MS: '1000',
      TIDEWIRE_STALE_STREAMS_MS: '2000',
    });
    using stream = await stale.subscribe(alice, TOPIC);
    const poll = stale.startPoll(alice, `${TOPIC}&timeoutMs=50000`);
    await waitFor(async () => (await stale.metric('polls_waiting')) === 1, { what: 'the poll waits' });
    await world.platform.created(world.row({ titel: 'seen' }));
    const [first] = await stream.until(1);
    const told = (await poll.reply).body.lastEventId as string;
    world.platform.pauseBeats();
    const waiting = stale.startPoll(alice, `${TOPIC}&timeoutMs=50000&lastEventId=${told}`);
    await waitFor(async () => (await stale.metric('delivering')) === 0, { what: 'the gateway is stale' });
    await world.platform.created(world.row({ titel: 'missed' }));
    const end = await stream.untilNamed('end');
    expect(end.data).toMatchObject({ code: 'RIGHTS_STALE', reconnect: true });
    expect(stream.named('object.created')).toHaveLength(1);
    expect(stream.lastEventId >= String(first?.id)).toBe(true);
    const { status, body } = await waiting.reply;
    expect([200, 503]).toContain(status);
    if (status === 200) expect(body).toMatchObject({ events: [], lastEventId: told });
    expect(await stale.metric('stream_ends_total{code="RIGHTS_STALE"}')).toBeGreaterThanOrEqual(1);
    world.platform.resumeBeats();
    const other = await world.gateway();
    using resumed = await other.subscribe(alice, `${TOPIC}&lastEventId=${stream.lastEventId}`);
    expect((await resumed.until(1)).map(({ data }) => data.data.object.titel)).toEqual(['missed']);
    const polled = await other.poll(alice, `${TOPIC}&lastEventId=${told}&timeoutMs=20000`);
    expect(
      polled.body.events.map((event: { data: { object: { titel: string } } }) => event.data.object.titel),
    ).toEqual(['missed']);
  },
);

test('a socket and the stream of a table are told that events are held back, and that they go on', async () => {
  const gateway = await world.gateway({ TIDEWIRE_STALENESS_LIMIT_MS: '1000' });
  const table = '/api/tables/zaken-meldingen/subscribe';
  using socket = await gateway.socket(alice, table);
  using stream = await SseClient.open(gateway.url(`${table}/sse`), { authorization: `Bearer ${alice}` });
  await socket.until('subscribed');
  world.platform.pauseBeats();
  const statuses = (messages: readonly SocketMessage[]): unknown[] => messages.map(({ status }) => status);
  await socket.until('connection-status');
  world.platform.resumeBeats();
  const told = await socket.until('connection-status', 2);
  expect(statuses(told)).toEqual(['reconnecting', 'connected']);
  const ofStream = () =>
    stream.events.map(({ data }) => data).filter(({ type }) => type === 'connection-status');
  await waitFor(() => ofStream().length === 2, { what: 'the stream is told too' });
  expect(statuses(ofStream())).toEqual(['reconnecting', 'connected']);
});
