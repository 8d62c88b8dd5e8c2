import {
  CLIENT_SIDE_PERMISSIONS,
  CLIENT_SUBJECTS,
  FEED_HEADERS,
  FEED_LIMITS,
  TidewireError,
  formatClientSubject,
  formatSubscriber,
  problemSchema,
  subscriberInbox,
  subscriberPermissions,
} from '@tidewire/contract';
import type { ClientSubject, Problem, SubscriberAddress } from '@tidewire/contract';
import { Svcm } from '@nats-io/services';
import { connect } from '@nats-io/transport-node';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { startNats, waitFor } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openClientChannel } from './client-channel.ts';
import type { ClientChannel } from './client-channel.ts';
import { clientEndpoint, serveClients } from './client-services.ts';
import type { ClientServiceOptions } from './client-services.ts';
import { silentLogger } from './logger.ts';
import { connectBus } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';

const USER = 'records-clients';
const alice: SubscriberAddress = { principal: 'alice', credential: null };
const bob: SubscriberAddress = { principal: 'bob', credential: null };
const limited: SubscriberAddress = {
  principal: 'alice',
  credential: '10000000-0000-4000-8000-000000000001',
};
const people = [alice, bob, limited];

let nats: TestNats;
let bus: MessageBus;
let channel: ClientChannel;
let stop: () => Promise<void>;
let now: number;
let calls: { readonly address: SubscriberAddress; readonly request: unknown }[];
let outcomes: string[];
let connections: NatsConnection[];

beforeEach(async () => {
  nats = await startNats({
    clients: {
      [USER]: CLIENT_SIDE_PERMISSIONS[USER],
      ...Object.fromEntries(people.map((who) => [formatSubscriber(who), subscriberPermissions(who)])),
    },
  });
  bus = await connectBus({ url: nats.urlFor(USER), user: USER, logger: silentLogger });
  now = 0;
  channel = openClientChannel(bus, () => now);
  calls = [];
  outcomes = [];
  connections = [];
  stop = async () => undefined;
});

afterEach(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await stop();
  await bus.close();
  await nats[Symbol.asyncDispose]();
});

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new TidewireError('VALIDATION_ERROR', 'not JSON');
  }
}

type Handle = (address: SubscriberAddress, request: unknown) => Promise<unknown>;

async function serve(handle: Handle, options: Partial<ClientServiceOptions> = {}): Promise<void> {
  const noted: Handle = (address, request) => {
    calls.push({ address, request });
    return handle(address, request);
  };
  stop = serveClients(bus, channel, {
    name: 'records',
    version: '1.2.3',
    description: 'reads',
    endpoints: [
      clientEndpoint({ kind: 'list', parse, handle: noted }),
      clientEndpoint({ kind: 'get', parse, handle: noted }),
    ],
    now: () => now,
    toError: (thrown) =>
      thrown instanceof TidewireError ? thrown : new TidewireError('INTERNAL_ERROR', 'Internal error'),
    onAnswered: (kind, outcome) => outcomes.push(`${kind} ${outcome}`),
    ...options,
  });
  // The server takes the commands of a connection in their order: after this it knows of the subscriptions.
  await ask(await subscriber(bob), bob, 'list', 'nonsense');
  calls = [];
  outcomes = [];
}

async function subscriber(who: SubscriberAddress): Promise<NatsConnection> {
  const { server, user, password } = nats.credentialsFor(formatSubscriber(who));
  const connection = await connect({
    servers: server,
    user,
    pass: password,
    inboxPrefix: subscriberInbox(who),
  });
  connections.push(connection);
  return connection;
}

const ask = (
  connection: NatsConnection,
  who: SubscriberAddress,
  kind: ClientSubject,
  body: string | Uint8Array,
): Promise<Msg> => connection.request(formatClientSubject(kind, who), body, { timeout: 5000 });

function refusalOf(message: Msg): Problem {
  const problem = problemSchema.parse(message.json());
  expect(message.headers?.get(FEED_HEADERS.contentType)).toBe('application/problem+json');
  expect(message.headers?.get(FEED_HEADERS.errorCode)).toBe(String(problem.status));
  expect(message.headers?.get(FEED_HEADERS.error)).toBe(problem.code);
  return problem;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('a request is answered with the document, and the handler is told whose it is', async () => {
  await serve(async (address) => ({ for: formatSubscriber(address) }));
  for (const who of people) {
    const answer = await ask(await subscriber(who), who, 'get', '{"table":"t","id":"x"}');
    expect(answer.json()).toEqual({ for: formatSubscriber(who) });
    expect(answer.headers?.get(FEED_HEADERS.contentType)).toBe('application/json');
    expect(answer.headers?.get(FEED_HEADERS.error)).toBe('');
  }
  expect(calls.map(({ address }) => address)).toEqual(people);
  expect(outcomes).toEqual(['get ok', 'get ok', 'get ok']);
});

test('replicas share the requests: each is answered once', async () => {
  await serve(async () => 'one');
  const other = await connectBus({ url: nats.urlFor(USER), user: USER, logger: silentLogger });
  const stopOther = serveClients(
    other,
    openClientChannel(other, () => 0),
    {
      name: 'records',
      version: '1.2.3',
      description: 'reads',
      endpoints: [
        clientEndpoint({
          kind: 'list',
          parse,
          handle: async (address, request) => {
            calls.push({ address, request });
            return 'two';
          },
        }),
      ],
      now: () => 0,
      toError: () => new TidewireError('INTERNAL_ERROR', 'Internal error'),
    },
  );
  const connection = await subscriber(alice);
  const answers = await Promise.all(
    Array.from({ length: 8 }, async () => (await ask(connection, alice, 'list', '{}')).json<string>()),
  );
  expect(answers).toHaveLength(8);
  expect(calls).toHaveLength(8);
  await stopOther();
  await other.close();
});

test.each([
  ['that cannot be read', '{', 'VALIDATION_ERROR'],
  ['with more bytes than a request has', ' '.repeat(FEED_LIMITS.maxRequestBytes + 1), 'PAYLOAD_TOO_LARGE'],
  ['with more bytes than characters', 'é'.repeat(FEED_LIMITS.maxRequestBytes / 2 + 1), 'PAYLOAD_TOO_LARGE'],
])('a request %s is refused and runs nothing', async (_what, body, code) => {
  await serve(async () => 'answer');
  const answer = await ask(await subscriber(alice), alice, 'list', body);
  expect(refusalOf(answer).code).toBe(code);
  expect(calls).toEqual([]);
  expect(outcomes).toEqual([`list ${code}`]);
});

test('a request without a payload is read like any other', async () => {
  await serve(async (_address, request) => request);
  expect((await ask(await subscriber(alice), alice, 'list', '')).json()).toEqual({});
});

test('what a handler throws is refused in its words, and a fault says nothing about itself', async () => {
  await serve(async (_address, request) => {
    if ('table' in (request as object)) {
      throw new TidewireError('SERVICE_UNAVAILABLE', 'later', { retryAfterSeconds: 7 });
    }
    throw new Error('password of the database');
  });
  const connection = await subscriber(alice);
  const later = await ask(connection, alice, 'list', '{"table":"t"}');
  expect(refusalOf(later)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', status: 503, message: 'later' });
  expect(later.headers?.get(FEED_HEADERS.retryAfter)).toBe('7');
  const fault = await ask(connection, alice, 'list', '{}');
  expect(refusalOf(fault)).toMatchObject({ code: 'INTERNAL_ERROR', status: 500 });
  expect(fault.string()).not.toContain('password');
  expect(fault.headers?.has(FEED_HEADERS.retryAfter)).toBe(false);
});

test('an answer that no message holds is refused, and the connection goes on', async () => {
  await serve(async (_address, request) =>
    'table' in (request as object) ? 'x'.repeat(bus.server.maxPayload - 100) : 'small',
  );
  const connection = await subscriber(alice);
  expect(refusalOf(await ask(connection, alice, 'list', '{"table":"t"}')).code).toBe('PAYLOAD_TOO_LARGE');
  expect((await ask(connection, alice, 'list', '{}')).json()).toBe('small');
});

test('an answer is asked for only to an inbox of the asker: otherwise nothing runs and nothing is sent', async () => {
  await serve(async () => 'secret');
  const aliceConnection = await subscriber(alice);
  const bobConnection = await subscriber(bob);
  const heard: string[] = [];
  bobConnection.subscribe(`${subscriberInbox(bob)}.>`, {
    callback: (_error, { subject }) => void heard.push(subject),
  });
  await bobConnection.flush();
  const foreign = [
    `${subscriberInbox(bob)}.x`,
    `${subscriberInbox(limited)}.x`,
    subscriberInbox(alice),
    formatClientSubject('list', alice),
    '$SRV.PING',
    '',
  ];
  for (const reply of foreign) {
    aliceConnection.publish(formatClientSubject('list', alice), '{}', reply === '' ? {} : { reply });
  }
  // Later than all of them, on the same way.
  expect((await ask(aliceConnection, alice, 'list', '{}')).json()).toBe('secret');
  expect(calls).toHaveLength(1);
  expect(outcomes).toEqual(['list ok']);
  expect(channel.foreignInboxes).toBe(foreign.length);
  await ask(bobConnection, bob, 'list', '{}');
  expect(heard.filter((subject) => subject === `${subscriberInbox(bob)}.x`)).toEqual([]);
});

test('NATS itself lets nobody ask as somebody else, as another credential, or listen to another one', async () => {
  await serve(async () => 'secret');
  const connection = await subscriber(alice);
  for (const who of [bob, limited]) {
    await expect(ask(connection, who, 'list', '{}')).rejects.toThrow(/permission/i);
    const refused = Promise.withResolvers<unknown>();
    connection.subscribe(`${subscriberInbox(who)}.>`, { callback: (error) => refused.resolve(error) });
    expect(String(await refused.promise)).toMatch(/permission/i);
  }
  const narrow = await subscriber(limited);
  await expect(ask(narrow, alice, 'list', '{}')).rejects.toThrow(/permission/i);
  expect(calls).toEqual([]);
});

test('a flood of one principal is refused beyond its places, and the others are answered', async () => {
  const open = Promise.withResolvers<void>();
  await serve(async () => await open.promise.then(() => 'done'), { limits: { total: 3, perPrincipal: 2 } });
  const aliceConnection = await subscriber(alice);
  const narrow = await subscriber(limited);
  const flood = Array.from({ length: 40 }, async () => await ask(aliceConnection, alice, 'list', '{}'));
  await waitFor(() => calls.length === 2, { what: 'the principal has its places' });
  // Another credential does not make another principal.
  expect(refusalOf(await ask(narrow, limited, 'list', '{}'))).toMatchObject({
    code: 'RATE_LIMITED',
    status: 429,
  });
  const bobConnection = await subscriber(bob);
  const bobs = ask(bobConnection, bob, 'list', '{}');
  await waitFor(() => calls.length === 3, { what: 'another one is let in' });
  expect(refusalOf(await ask(bobConnection, bob, 'get', '{"id":"x"}'))).toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
  });
  open.resolve();
  expect((await bobs).json()).toBe('done');
  const answers = await Promise.all(flood);
  expect(answers.filter((answer) => answer.headers?.get(FEED_HEADERS.error) === '')).toHaveLength(2);
  const refused = answers.find((answer) => answer.headers?.get(FEED_HEADERS.error) !== '');
  expect(refused?.headers?.get(FEED_HEADERS.retryAfter)).toBe('1');
  // The places are free again.
  expect((await ask(aliceConnection, alice, 'list', '{}')).json()).toBe('done');
});

test('a service that stops answers what runs and takes no more', async () => {
  const open = Promise.withResolvers<void>();
  // What comes before the server knows that nothing more is wanted is answered like what ran already.
  await serve(async () => (calls.length > 1 ? 'late' : await open.promise.then(() => 'done')));
  const connection = await subscriber(alice);
  const running = ask(connection, alice, 'list', '{}');
  await waitFor(() => calls.length === 1, { what: 'the request runs' });
  const stopped = stop();
  await waitFor(
    async () =>
      await ask(connection, alice, 'list', '{}').then(
        () => false,
        () => true,
      ),
    { what: 'nobody takes requests any more' },
  );
  open.resolve();
  await stopped;
  expect((await running).json()).toBe('done');
});

test("the library's own client finds the service and what it is asked on", async () => {
  await serve(async () => 'answer', { others: [{ kind: 'feed', queue: 'feed.v1' }] });
  const client = new Svcm((await subscriber(alice)) as never).client();
  const found = await collect(await client.info());
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    type: 'io.nats.micro.v1.info_response',
    name: 'records',
    version: '1.2.3',
    description: 'reads',
    endpoints: [
      { name: 'list', subject: 'read.v1.list.*', queue_group: 'records.v1' },
      { name: 'get', subject: 'read.v1.get.*', queue_group: 'records.v1' },
      { name: 'feed', subject: `${CLIENT_SUBJECTS.feed}.*`, queue_group: 'feed.v1' },
    ],
  });
  const id = found[0]?.id ?? '';
  expect(await collect(await client.ping('records', id))).toMatchObject([{ name: 'records', id }]);
  await expect(client.info('others').then(collect)).rejects.toThrow(/no responders/);
});

test('counts of requests are open to no subscriber', async () => {
  await serve(async () => 'answer');
  const client = new Svcm((await subscriber(alice)) as never).client();
  await expect(client.stats().then(collect)).rejects.toThrow(/permission/i);
});

test('who looks for services is answered only to inboxes of subscribers, and so many times a second', async () => {
  await serve(async () => 'answer');
  const connection = await subscriber(alice);
  const inbox = `${subscriberInbox(alice)}.seen`;
  let heard = 0;
  connection.subscribe(inbox, { callback: () => void (heard += 1) });
  for (const reply of [formatClientSubject('list', bob), 'events.x', '_INBOX.>', '_INBOX_records.x']) {
    connection.publish('$SRV.PING', '', { reply });
  }
  for (let index = 0; index < 200; index += 1) connection.publish('$SRV.PING', '', { reply: inbox });
  const answered = async (): Promise<number> => {
    await ask(connection, alice, 'list', '{}');
    return heard;
  };
  expect(await answered()).toBe(50);
  now += 100;
  for (let index = 0; index < 200; index += 1) connection.publish('$SRV.PING', '', { reply: inbox });
  expect(await answered()).toBe(55);
  // None of the others was asked as somebody else either.
  expect(calls.map(({ address }) => address)).toEqual([alice, alice]);
});
