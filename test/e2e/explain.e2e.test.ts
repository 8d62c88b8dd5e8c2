import { explanationSchema } from '@tidewire/contract';
import type { EventExplanation, Explanation, SubscriptionExplanation } from '@tidewire/contract';
import { sharedPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { Follower } from '../support/follower.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

type Name = 'alice' | 'bob' | 'carol';

let platform: Platform;
let town: Town;
const ids = new Map<Name, string>();

beforeAll(async () => {
  platform = await sharedPlatform();
  town = await buildTown(platform.origin, platform.adminToken);
  for (const name of ['alice', 'bob', 'carol'] as const) {
    const me = await town.as(name).send<{ principal: { id: string } }>('GET', '/api/auth/me');
    ids.set(name, me.principal.id);
  }
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Asks until the gateway that answers is level with what was written. */
async function explain(base: string, query: string): Promise<Explanation> {
  const api = createApi(base, platform.adminToken);
  const answer = await waitFor(
    async () => {
      const { status, body } = await api.ask('GET', `/api/explain?${query}`);
      return status === 503 ? undefined : { status, body };
    },
    { what: 'the gateway has reached the event' },
  );
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return explanationSchema.parse(answer.body);
}

async function explainEvent(who: Name, event: string, base = platform.origin): Promise<EventExplanation> {
  const explanation = await explain(base, `principal=${ids.get(who) ?? ''}&event=${event}`);
  if (explanation.kind !== 'event') throw new Error('not of an event');
  return explanation;
}

async function explainTopic(who: Name, more = ''): Promise<SubscriptionExplanation> {
  const [register, schema] = town.collection.split('/');
  const topic = `register/${register ?? ''}/schema/${schema ?? ''}`;
  const query = `principal=${ids.get(who) ?? ''}&topic=${topic}${more}`;
  const explanation = await explain(platform.origin, query);
  if (explanation.kind !== 'subscription') throw new Error('not of a subscription');
  return explanation;
}

async function follow(name: Name): Promise<Follower> {
  const follower = await Follower.start({
    bases: () => [platform.gateways[0]?.url ?? ''],
    api: platform.origin,
    collection: town.collection,
    token: town.tokens[name],
  });
  await waitFor(() => follower.isOpen, { what: 'the stream is open' });
  return follower;
}

test('an operator learns from any gateway which rule lets a row reach somebody, and which one takes a property out', async () => {
  await using alice = await follow('alice');
  await using bob = await follow('bob');
  const path = `/api/objects/${town.collection}`;
  const report = { titel: 'Losse tegel', status: 'nieuw', melderEmail: 'jan@example.org' };
  const row = await town.as('alice').send<{ id: string }>('POST', path, report);
  await town.as('alice').send('PATCH', `${path}/${row.id}`, { status: 'vertrouwelijk' });
  await waitFor(() => alice.events.length === 2 && bob.events.length === 2, { what: 'both were told' });
  const [created, hidden] = alice.events.map(({ id }) => id);
  for (const { url } of platform.gateways) {
    const first = await explainEvent('bob', created ?? '', url);
    expect(first).toMatchObject({
      delivered: true,
      transition: 'created',
      event: { uuid: row.id, action: 'created' },
      after: { allowed: true, reason: "The row matches the rule for 'authenticated'." },
      removed: [
        {
          name: 'melderEmail',
          rules: [{ policy: 'schema', id: town.schemaId, pointer: '/properties/melderEmail/read/0' }],
        },
      ],
      rightsChanged: { changed: false },
    });
    const second = await explainEvent('bob', hidden ?? '', url);
    expect(second).toMatchObject({ delivered: true, transition: 'left', after: { allowed: false } });
    expect(JSON.stringify([first, second])).not.toMatch(/jan@example|Losse tegel/);
  }
  expect(bob.events.map(({ name }) => name)).toEqual(['object.created', 'object.deleted']);
  expect(await explainEvent('alice', hidden ?? '')).toMatchObject({ transition: 'updated', removed: [] });
  expect(await explainEvent('carol', hidden ?? '')).toMatchObject({ delivered: false, transition: null });
});

test('an operator learns why somebody sees nothing, and that a membership has changed it', async () => {
  const path = `/api/objects/${town.collection}`;
  await using alice = await follow('alice');
  await town.as('alice').send('POST', path, { titel: 'Stil', status: 'vertrouwelijk' });
  await waitFor(() => alice.events.length === 1, { what: 'alice was told' });
  const event = alice.events[0]?.id ?? '';
  const foreign = await explainTopic('carol');
  expect(foreign.events).toMatchObject({ delivered: 0 });
  expect(new Set(foreign.events?.stopped.map(({ step }) => step))).toEqual(new Set(['tenant']));
  expect(foreign.verdict).toContain('None of the last');
  const before = await explainTopic('bob', '&filter[status]=vertrouwelijk');
  expect(before.schemas[0]?.rules).toMatchObject([
    { outcome: 'skips', groups: ['behandelaars'] },
    { outcome: 'continues', groups: ['authenticated'], fields: ['status'] },
  ]);
  expect(before.events).toMatchObject({ delivered: 0 });
  expect((await explainEvent('bob', event)).delivered).toBe(false);
  const bob = ids.get('bob') ?? '';
  await town.admin.send('PUT', `/api/groups/${town.organisations.a}/behandelaars/members/${bob}`);
  await waitFor(async () => (await explainEvent('bob', event)).rightsChanged.changed, {
    what: 'the change of rights is in the log',
  });
  expect(await explainEvent('bob', event)).toMatchObject({
    delivered: true,
    rightsChanged: { changes: [{ kind: 'principal', id: bob }] },
  });
  await town.admin.send('DELETE', `/api/groups/${town.organisations.a}/behandelaars/members/${bob}`);
});

test('nobody but an administrator is told about others, in the same words whether they exist or not', async () => {
  const topic = `topic=register/${town.collection.split('/')[0] ?? ''}`;
  const known = await town.as('bob').ask('GET', `/api/explain?principal=${ids.get('alice') ?? ''}&${topic}`);
  const unknown = await town.as('bob').ask('GET', `/api/explain?principal=never-was&${topic}`);
  expect(known.status).toBe(403);
  expect(unknown.status).toBe(403);
  expect(known.body).toEqual(unknown.body);
  const own = await town.as('bob').ask('GET', `/api/explain?${topic}`);
  expect(own.status).toBe(200);
  expect(explanationSchema.parse(own.body)).toMatchObject({ kind: 'subscription', refusal: null });
});
