import {
  CLIENT_SIDE_PERMISSIONS,
  FEED_CONTENT_TYPES,
  NOTIFIER_CLIENT_USER,
  TidewireError,
  formatFeedAnswerSubject,
  isNotifierInboxOf,
} from '@tidewire/contract';
import type { FeedAnswerSubject, SubscriberAddress } from '@tidewire/contract';
import { createTestClock, startNats, waitFor } from '@tidewire/test-kit';
import type { TestClock, TestNats } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import cloudEvent from '../../contract/examples/cloud-event.json' with { type: 'json' };
import { openClientChannel } from './client-channel.ts';
import type { ClientChannel, ClientRequest, NOBODY } from './client-channel.ts';
import { formatRefusal } from './client-refusal.ts';
import { openFeedSource } from './feed-source.ts';
import type { FeedSource } from './feed-source.ts';
import { silentLogger } from './logger.ts';
import { connectBus, linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

const GATEWAY = 'fanout-gateway-clients';
const bob: SubscriberAddress = { principal: 'bob', credential: null };
const asked = { topics: ['register/zaken'], heartbeat: 1000, expires: 60_000, window: 1 };

let nats: TestNats;
let buses: MessageBus[];
let channel: ClientChannel;
let source: FeedSource;
let clock: TestClock;
let requests: ClientRequest[];
let answers: [string, string | typeof NOBODY][];

beforeEach(async () => {
  nats = await startNats({ clients: CLIENT_SIDE_PERMISSIONS });
  const connect = (user: string): Promise<MessageBus> =>
    connectBus({ url: nats.urlFor(user), user, logger: silentLogger });
  buses = [await connect(GATEWAY), await connect(NOTIFIER_CLIENT_USER)];
  const [gateway, notifier] = buses as [MessageBus, MessageBus];
  clock = createTestClock();
  channel = openClientChannel(gateway, () => clock.monotonic());
  source = openFeedSource(notifier, { clock });
  requests = [];
  answers = [];
  channel.onAnswer({
    gateway: 'g1',
    handle: ({ token }: FeedAnswerSubject, text) => void answers.push([token, text]),
  });
});
afterEach(async () => {
  for (const bus of buses) await bus.close();
  await nats[Symbol.asyncDispose]();
});

/** A gateway that leaves what it says to the test. */
async function serve(): Promise<void> {
  channel.onRequest({
    kind: 'feed',
    queue: 'q',
    mayAnswer: isNotifierInboxOf,
    handle: (taken) => void requests.push(taken),
  });
  await linkOf(buses[0] as MessageBus).connection.flush();
}

async function request(): Promise<ClientRequest> {
  await waitFor(() => requests.length > 0, { what: 'the gateway is asked' });
  return requests[0] as ClientRequest;
}

function tell(inbox: string, token: string | undefined, body: object, contentType?: string): void {
  channel.send(inbox, {
    contentType: contentType ?? FEED_CONTENT_TYPES.message,
    body: JSON.stringify(body),
    reply: token === undefined ? undefined : formatFeedAnswerSubject({ address: bob, gateway: 'g1', token }),
  });
}

const heartbeat = (eventId: string): object => ({
  type: 'heartbeat',
  eventId,
  timestamp: '2026-01-01T00:00:00.000Z',
});

test('a message is answered when the next one is asked for, and no sooner', async () => {
  await serve();
  const stream = source.open(bob, asked);
  const first = stream.next();
  const { inbox, address, text } = await request();
  expect([address, JSON.parse(text)]).toEqual([bob, asked]);
  tell(inbox, '1-1', cloudEvent, FEED_CONTENT_TYPES.event);
  expect(await first).toEqual({ kind: 'event', event: cloudEvent });
  tell(inbox, undefined, { type: 'connection-status', status: 'reconnecting', transport: 'nats' });
  tell(inbox, undefined, { type: 'something-new' });
  expect(answers).toEqual([]);
  const second = stream.next();
  await waitFor(() => answers.length === 1, { what: 'the first one is answered' });
  tell(inbox, '1-2', heartbeat(cloudEvent.id));
  expect(await second).toEqual({ kind: 'position', eventId: cloudEvent.id });
  stream.stop();
  expect(await stream.next()).toEqual({ kind: 'lost' });
  await waitFor(() => answers.length === 2, { what: 'it is stopped' });
  expect(answers).toEqual([
    ['1-1', '+ACK'],
    ['1-2', '+STOP'],
  ]);
});

test('what came before the end is told before it', async () => {
  await serve();
  const stream = source.open(bob, asked);
  const { inbox } = await request();
  tell(inbox, '1-1', heartbeat(cloudEvent.id));
  tell(inbox, undefined, { type: 'end', reason: 'over', reconnect: true });
  tell(inbox, '1-2', heartbeat(cloudEvent.id));
  // Nobody has asked yet: both wait.
  await waitFor(() => answers.some(([, text]) => text === '+STOP'), {
    what: 'what comes after the end is not wanted',
  });
  expect((await stream.next()).kind).toBe('position');
  const end = await stream.next();
  expect(end).toEqual({ kind: 'end', end: { type: 'end', reason: 'over', reconnect: true } });
  expect(await stream.next()).toBe(end);
});

test('a refusal is told with what it says', async () => {
  await serve();
  const stream = source.open(bob, asked);
  const { inbox } = await request();
  const refusal = new TidewireError('RATE_LIMITED', 'slowly', {
    retryAfterSeconds: 7,
    errors: [{ field: 'topics', message: 'many' }],
  });
  channel.send(inbox, formatRefusal(refusal));
  expect(await stream.next()).toMatchObject({
    kind: 'refused',
    error: { code: 'RATE_LIMITED', message: 'slowly', retryAfterSeconds: 7, errors: refusal.errors },
  });
});

test('where no gateway listens that is said at once', async () => {
  expect(await source.open(bob, asked).next()).toMatchObject({
    kind: 'refused',
    error: { code: 'SERVICE_UNAVAILABLE' },
  });
});

test('a gateway that is silent for longer than its heartbeats is taken to be gone, but not while it waits for an answer', async () => {
  await serve();
  const stream = source.open(bob, asked);
  const first = stream.next();
  const { inbox } = await request();
  // The first message may take longer.
  clock.advance(9_999);
  tell(inbox, '1-1', cloudEvent, FEED_CONTENT_TYPES.event);
  expect((await first).kind).toBe('event');
  clock.advance(60_000);
  const second = stream.next();
  clock.advance(2_499);
  tell(inbox, '1-2', heartbeat(cloudEvent.id));
  expect((await second).kind).toBe('position');
  const third = stream.next();
  clock.advance(2_500);
  expect(await third).toEqual({ kind: 'lost' });
});

test('when the connection breaks every stream is lost, and the next one comes through', async () => {
  await serve();
  const streams = [source.open(bob, asked).next(), source.open(bob, asked).next()];
  await waitFor(() => requests.length === 2, { what: 'both are asked for' });
  await nats.restart();
  expect(await Promise.all(streams)).toEqual([{ kind: 'lost' }, { kind: 'lost' }]);
  await waitFor(() => source.connected && channel.connected, { what: 'both are back' });
  const again = source.open(bob, asked);
  await waitFor(() => requests.length === 3, { what: 'it is asked for' });
  tell(requests[2]?.inbox ?? '', '1-1', heartbeat(cloudEvent.id));
  expect((await again.next()).kind).toBe('position');
});

test.each([
  ['an event of no shape', { id: 'x' }, FEED_CONTENT_TYPES.event],
  ['a refusal of no shape', { code: 'NOBODY_KNOWS' }, FEED_CONTENT_TYPES.problem],
])('%s is as good as a stream that broke', async (_what, body, contentType) => {
  await serve();
  const stream = source.open(bob, asked);
  const { inbox } = await request();
  tell(inbox, undefined, body, contentType);
  expect(await stream.next()).toEqual({ kind: 'lost' });
});

test('two sources do not hear each other', async () => {
  await serve();
  const other = openFeedSource(buses[1] as MessageBus, { clock });
  const stream = source.open(bob, asked);
  const { inbox } = await request();
  tell(inbox, '1-1', heartbeat(cloudEvent.id));
  expect((await stream.next()).kind).toBe('position');
  other.close();
  tell(inbox, '1-2', heartbeat(cloudEvent.id));
  const next = stream.next();
  expect((await next).kind).toBe('position');
  expect(answers.map(([, text]) => text)).not.toContain('+STOP');
});
