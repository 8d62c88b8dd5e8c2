import { CLIENT_SUBJECTS } from '@tidewire/contract';
import type { ClientSubject } from '@tidewire/contract';
import { SubscriberClient, sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { AsyncApi } from './asyncapi-document.ts';
import type { CarriedMessage } from './asyncapi-document.ts';

const document = new AsyncApi();
let platform: Platform;
let town: Town;
let alice: SubscriberClient;
let me: string;
let topic: string;
let table: string;

beforeAll(async () => {
  platform = await sharedPlatform();
  town = await buildTown(platform.origin, platform.adminToken, 'unique');
  const { principal } = await town.as('alice').send<{ principal: { id: string } }>('GET', '/api/auth/me');
  const [register, schema = ''] = town.collection.split('/');
  me = principal.id;
  topic = `register/${register}/schema/${schema}`;
  table = schema;
  alice = await SubscriberClient.open({
    servers: platform.natsServer,
    subscriber: me,
    credential: { token: town.tokens.alice },
  });
});
afterAll(() => alice[Symbol.asyncDispose]());

/** Asks, answers what wants an answer, and gives every message up to the one that is the last. */
async function messagesOf(
  kind: ClientSubject,
  request: unknown,
  isLast: (message: CarriedMessage) => boolean = () => true,
): Promise<readonly CarriedMessage[]> {
  const inbox = alice.inbox();
  const messages: CarriedMessage[] = [];
  const subscription = alice.connection.subscribe(inbox, {
    callback: (_error, raw) => {
      const headers = [...(raw.headers ?? [])].map(([name, values]) => [name, values[0] ?? '']);
      messages.push({ headers: Object.fromEntries(headers) as Record<string, string>, payload: raw.json() });
      raw.respond();
    },
  });
  alice.connection.publish(alice.subject(kind), JSON.stringify(request), { reply: inbox });
  await waitFor(() => messages.some(isLast), { what: `the answer to ${kind} ${JSON.stringify(request)}` });
  subscription.unsubscribe();
  return messages;
}

/** What the messages of a request are by the document, in their order. Each has to be one thing, and only one. */
function namesOf(kind: ClientSubject, messages: readonly CarriedMessage[]): readonly string[] {
  return messages.map((message) => {
    const names = document.answersLike(`${CLIENT_SUBJECTS[kind]}.${me}`, message);
    expect(names, JSON.stringify(message)).toHaveLength(1);
    return names[0] ?? '';
  });
}

const typeOf = ({ payload }: CarriedMessage): unknown => (payload as { type?: unknown }).type;

async function write(titel: string): Promise<string> {
  const body = { titel, status: 'nieuw' };
  const row = await town.as('alice').send<{ id: string }>('POST', `/api/objects/${town.collection}`, body);
  return row.id;
}

test('what is answered once is what the AsyncAPI document says', async () => {
  const id = await write('stoep');
  const [register, schema] = town.collection.split('/');
  const asked: readonly (readonly [ClientSubject, unknown, string])[] = [
    ['list', { register, schema }, 'nats.object-list'],
    ['list', { table }, 'nats.table-record-list'],
    ['get', { register, schema, id }, 'nats.object'],
    ['get', { table, id }, 'nats.table-record'],
    ['topics', {}, 'nats.topic-list'],
    ['explain', { query: { topic } }, 'nats.explanation'],
    ['feed', { topics: [topic] }, 'nats.topic-poll'],
    ['feed', { tables: [table] }, 'nats.table-poll'],
  ];
  for (const [kind, request, name] of asked) {
    expect(namesOf(kind, await messagesOf(kind, request)), JSON.stringify(request)).toEqual([name]);
  }
});

test('refusals are what the AsyncAPI document says', async () => {
  const refused: readonly (readonly [ClientSubject, unknown])[] = [
    ['list', { register: 'nowhere', schema: 'nothing' }],
    ['get', { table, id: 'none' }],
    ['topics', 'no request'],
    ['explain', { query: { topic: 'nonsense' } }],
    ['feed', { topics: ['nonsense'], expires: 1000 }],
    ['feed', {}],
  ];
  for (const [kind, request] of refused) {
    const names = namesOf(kind, await messagesOf(kind, request));
    expect(names, `${kind} ${JSON.stringify(request)}`).toEqual(['nats.problem']);
  }
});

test('a stream is what the AsyncAPI document says, from its first message to its end', async () => {
  const [{ payload } = { payload: {} }] = await messagesOf('feed', { topics: [topic] });
  const { lastEventId: cursor } = payload as { lastEventId: string };
  for (const titel of ['een', 'twee']) await write(titel);
  const isEnd = (message: CarriedMessage): boolean => typeOf(message) === 'end';
  const request = { cursor, max: 2, expires: 20_000 };
  const events = await messagesOf('feed', { ...request, topics: [topic] }, isEnd);
  const begin = 'nats.subscribed';
  expect(namesOf('feed', events)).toEqual([begin, 'nats.cloud-event', 'nats.cloud-event', 'nats.feed-end']);
  const changes = await messagesOf('feed', { ...request, tables: [table] }, isEnd);
  expect(namesOf('feed', changes)).toEqual([
    begin,
    'nats.table-change',
    'nats.table-change',
    'nats.feed-end',
  ]);
  const old = await messagesOf(
    'feed',
    { topics: [topic], cursor: 'evt-0000aaaa-000000000001', expires: 300 },
    isEnd,
  );
  expect(namesOf('feed', old)).toContain('nats.resync-message');
});

test('services say of themselves what the AsyncAPI document says: their subjects, and how replicas share them', async () => {
  const answers = await alice.connection.requestMany('$SRV.INFO', '', { strategy: 'timer', maxWait: 1000 });
  const found = new Map<string, string>();
  for await (const answer of answers) {
    const { endpoints } = answer.json<{ endpoints: readonly { subject: string; queue_group: string }[] }>();
    for (const { subject, queue_group: queue } of endpoints) found.set(subject, queue);
  }
  const documented = document.requests().map(({ subject, queue }) => [subject, queue] as const);
  expect(found).toEqual(new Map(documented));
});
