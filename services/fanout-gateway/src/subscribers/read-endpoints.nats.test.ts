import { CLIENT_SUBJECTS, FEED_CONTENT_TYPES, explanationSchema, topicListSchema } from '@tidewire/contract';
import type { Problem } from '@tidewire/contract';
import type { InboxMessage, SubscriberClient } from '@tidewire/test-kit';
import { LIMITED_CREDENTIAL, credentialOf, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TOPIC = 'register/zaken/schema/meldingen';

let world: World;
let gateway: TestGateway;

beforeEach(async () => {
  world = await World.start();
  gateway = await world.gateway();
});
afterEach(() => world[Symbol.asyncDispose]());

async function overHttp(secret: string, path: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(gateway.url(path), { headers: { authorization: `Bearer ${secret}` } });
  return { status: answer.status, body: await answer.json() };
}

function expectSame(
  { contentType, errorCode, body }: InboxMessage,
  http: { status: number; body: unknown },
): void {
  expect(body).toEqual(http.body);
  expect(errorCode).toBe(http.status === 200 ? '' : String(http.status));
  expect(contentType).toBe(http.status === 200 ? FEED_CONTENT_TYPES.message : FEED_CONTENT_TYPES.problem);
}

function topicsOf({ body }: InboxMessage): string[] {
  return topicListSchema.parse(body).topics.map(({ topic }) => topic);
}

const people = ['alice', 'bob', 'admin'] as const;

test('topics are those that HTTP lists, for each by its own rights', async () => {
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'], create: [] } });
  await world.platform.change(world.registerPolicy, {
    authorization: { read: ['behandelaars'], create: [] },
  });
  const seen = new Map<string, readonly string[]>();
  for (const name of people) {
    const subscriber = await world.subscriber(world[name]);
    await waitFor(
      async () => topicsOf(await subscriber.ask('topics', {})).includes(TOPIC) === (name !== 'bob'),
      { what: 'the rules are known' },
    );
    const answer = await subscriber.ask('topics', {});
    expectSame(answer, await overHttp(world.secret(world[name]), '/api/realtime/topics'));
    seen.set(name, topicsOf(answer));
  }
  expect(seen.get('alice')).toContain(TOPIC);
  expect(seen.get('bob')).not.toContain(TOPIC);
});

test('explanations and their refusals are those of HTTP', async () => {
  await world.platform.created(world.row({ titel: 'lantaarn' }));
  const { position } = world.platform;
  const questions: Readonly<Record<string, string | readonly string[]>>[] = [
    { topic: TOPIC },
    { topic: [TOPIC, 'register/zaken'], titel: 'lantaarn', _fields: 'titel' },
    { table: 'zaken-meldingen', limit: '5' },
    { principal: 'bob', event: position },
    { principal: 'nobody-of-that-name', event: position },
    { principal: 'bob', topic: TOPIC },
    { topic: 'register/no-such-register' },
    { topic: 'no topic' },
    { event: 'no event' },
    { nothing: 'x' },
    { topic: TOPIC, table: 'zaken-meldingen' },
    { table: 'zaken-meldingen', filter: ['a', 'b'] },
    {},
  ];
  const explained: unknown[] = [];
  for (const name of people) {
    const subscriber = await world.subscriber(world[name]);
    for (const query of questions) {
      const pairs = Object.entries(query).flatMap(([key, value]) =>
        [value].flat().map((each): [string, string] => [key, each]),
      );
      const answer = await subscriber.ask('explain', { query });
      const http = await overHttp(
        world.secret(world[name]),
        `/api/explain?${String(new URLSearchParams(pairs))}`,
      );
      expectSame(answer, http);
      if (http.status === 200) explained.push(explanationSchema.parse(answer.body).kind);
    }
  }
  expect(new Set(explained)).toEqual(new Set(['event', 'subscription']));
});

test('a credential with scopes is told the topics that it is limited to', async () => {
  const other = schemaOf(world.register, 'klachten');
  await world.platform.set(other, policyOf('schema', other.id, {}));
  await world.platform.set({ ...credentialOf('alice'), id: LIMITED_CREDENTIAL, scopes: { topics: [TOPIC] } });
  const limited = await world.subscriber(world.alice, LIMITED_CREDENTIAL);
  const whole = await world.subscriber(world.alice);
  const listed = async (who: SubscriberClient): Promise<readonly string[]> =>
    topicsOf(await who.ask('topics', {})).filter((topic) => topic.includes('/schema/'));
  await waitFor(async () => (await listed(whole)).length === 2, { what: 'both schemas are known' });
  expect(await listed(limited)).toEqual([TOPIC]);
});

test('a principal that is removed is told nothing any more', async () => {
  const bob = await world.subscriber(world.bob);
  expect((await bob.ask('topics', {})).errorCode).toBe('');
  await world.platform.change(world.bob.principal, { removed: true });
  await waitFor(async () => (await bob.ask('topics', {})).errorCode === '401', { what: 'it is nobody' });
  expect((await bob.ask('explain', { query: { topic: TOPIC } })).body).toMatchObject({
    code: 'UNAUTHORIZED',
  });
});

test.each([
  ['topics with a parameter', 'topics', { query: { limit: '1' } }, 'BAD_REQUEST'],
  ['topics with a member', 'topics', { limit: '1' }, 'VALIDATION_ERROR'],
  ['topics with a credential', 'topics', { query: { token: 'secret' } }, 'BAD_REQUEST'],
  ['explain with one', 'explain', { query: { 'topic': TOPIC, 'token[]': 'secret' } }, 'BAD_REQUEST'],
  ['explain with no text', 'explain', { query: { event: 1 } }, 'VALIDATION_ERROR'],
  ['explain with too much', 'explain', { query: { topic: 'x'.repeat(17_000) } }, 'VALIDATION_ERROR'],
] as const)('%s is refused', async (_what, kind, request, code) => {
  const { body } = await (await world.subscriber(world.bob)).ask(kind, request);
  expect(body as Problem).toMatchObject({ success: false, code });
});

test('nothing is sent to an inbox that is not the own one, and nobody asks as another one', async () => {
  const [alice, bob] = [await world.subscriber(world.alice), await world.subscriber(world.bob)];
  const heard: string[] = [];
  alice.connection.subscribe('_INBOX.alice.>', {
    callback: (_error, { subject }) => void heard.push(subject),
  });
  await alice.connection.flush();
  for (const reply of ['_INBOX.alice.x', 'read.v1.topics.alice', '$SRV.PING']) {
    bob.connection.publish(bob.subject('topics'), '{}', { reply });
    bob.connection.publish(bob.subject('explain'), 'no request', { reply });
  }
  expect((await bob.ask('topics', {})).errorCode).toBe('');
  expect(heard).toEqual([]);
  expect(await gateway.metric('foreign_inboxes_total')).toBe(6);
  const ask = (who: SubscriberClient, as: string): Promise<unknown> =>
    who.connection.request(`${CLIENT_SUBJECTS.topics}.${as}`, '{}', { timeout: 2000 });
  await expect(ask(bob, 'alice')).rejects.toThrow(/permission/i);
  await expect(ask(bob, `bob=${LIMITED_CREDENTIAL}`)).rejects.toThrow(/permission/i);
});

test('the gateway is found as a micro service, feeds included, and says whether it is connected', async () => {
  const bob = await world.subscriber(world.bob);
  const info = await bob.connection.request('$SRV.INFO.fanout-gateway', '', { timeout: 2000 });
  expect(info.json()).toMatchObject({
    name: 'fanout-gateway',
    endpoints: [
      { subject: 'read.v1.topics.*' },
      { subject: 'read.v1.explain.*' },
      { subject: 'feed.v1.next.*' },
    ],
  });
  expect(await gateway.metric('subscribers_connected')).toBe(1);
});
