import { explanationSchema, formatEventId } from '@tidewire/contract';
import type { EventExplanation, Problem, SubscriptionExplanation } from '@tidewire/contract';
import { credentialOf, person, waitFor } from '@tidewire/test-kit';
import type { Row } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let gateway: TestGateway;
let admin: string;
let bob: string;

beforeEach(async () => {
  world = await World.start();
  gateway = await world.gateway();
  admin = world.secret(world.admin);
  bob = world.secret(world.bob);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

async function ask(secret: string, query: string): Promise<{ status: number; text: string }> {
  const url = gateway.url(`/api/explain?${query}`);
  const answer = await fetch(url, { headers: { authorization: `Bearer ${secret}` } });
  return { status: answer.status, text: await answer.text() };
}

async function explain(secret: string, query: string): Promise<EventExplanation | SubscriptionExplanation> {
  const { status, text } = await ask(secret, query);
  expect(status, text).toBe(200);
  return explanationSchema.parse(JSON.parse(text));
}

async function explainEvent(who: string, id: string): Promise<EventExplanation> {
  const explanation = await explain(admin, `principal=${who}&event=${id}`);
  if (explanation.kind !== 'event') throw new Error('not of an event');
  return explanation;
}

async function explainTopic(secret: string, query: string): Promise<SubscriptionExplanation> {
  const explanation = await explain(secret, query);
  if (explanation.kind !== 'subscription') throw new Error('not of a subscription');
  return explanation;
}

async function refusal(secret: string, query: string): Promise<Pick<Problem, 'status' | 'code' | 'message'>> {
  const { text } = await ask(secret, query);
  const { status, code, message } = JSON.parse(text) as Problem;
  return { status, code, message };
}

/** Writes a row and waits until the gateway has it. */
async function write(properties: Record<string, unknown>, change: Partial<Row> = {}): Promise<Row> {
  const row = await world.platform.created(world.row(properties, change));
  await caughtUp();
  return row;
}

async function caughtUp(): Promise<void> {
  const { position } = world.platform;
  await waitFor(
    async () => {
      const answer = await fetch(gateway.url('/api/realtime/status'), {
        headers: { authorization: `Bearer ${admin}` },
      });
      const { retention } = (await answer.json()) as { retention?: { newestId: string } };
      return (retention?.newestId ?? '') >= position;
    },
    { what: 'the gateway has applied what was written' },
  );
}

const RULES = {
  authorization: {
    read: ['behandelaars', { group: 'authenticated', match: { status: { $ne: 'vertrouwelijk' } } }],
  },
  properties: { geheim: { read: ['behandelaars'] } },
};

test('an event that a rule stops is explained by the rule and the field, without any value of the row', async () => {
  await world.platform.change(world.policy, RULES);
  await write({ titel: 'MARKED-A', status: 'vertrouwelijk' });
  const explanation = await explainEvent('bob', world.platform.position);
  expect(explanation).toMatchObject({ delivered: false, transition: null, before: null, removed: [] });
  expect(explanation.verdict).toBe(
    "'bob' hears nothing of it. None of the rules for 'read' lets the row pass.",
  );
  expect(explanation.after?.steps.slice(-3)).toMatchObject([
    { outcome: 'skips', rule: { policy: 'schema', id: world.schema.id, pointer: '/authorization/read/0' } },
    { outcome: 'skips', rule: { pointer: '/authorization/read/1' }, fields: ['status'] },
    { outcome: 'stops', rule: { pointer: '/authorization/read' } },
  ]);
  expect(JSON.stringify(explanation)).not.toMatch(/MARKED|vertrouwelijk/);
});

test('what an explanation says of an event is what a stream of that principal gets', async () => {
  await world.platform.change(world.policy, RULES);
  await caughtUp();
  using stream = await gateway.subscribe(bob, TOPIC);
  const row = await write({ titel: 'a', status: 'nieuw', geheim: 'x' });
  const created = await explainEvent('bob', world.platform.position);
  expect(created).toMatchObject({ delivered: true, transition: 'created' });
  expect(created.removed).toMatchObject([
    { name: 'geheim', from: ['object'], image: 'after', rules: [{ pointer: '/properties/geheim/read/0' }] },
  ]);
  await world.platform.updated(row, { properties: { titel: 'b', status: 'nieuw', geheim: 'y' } });
  await caughtUp();
  const updated = await explainEvent('bob', world.platform.position);
  expect(updated).toMatchObject({
    transition: 'updated',
    removed: [{ name: 'geheim', from: ['object', 'changed'] }],
  });
  await world.platform.updated(
    { ...row, version: 2 },
    { properties: { titel: 'b', status: 'vertrouwelijk' } },
  );
  await caughtUp();
  const left = await explainEvent('bob', world.platform.position);
  expect(left).toMatchObject({ transition: 'left', before: { allowed: true }, after: { allowed: false } });
  const events = await stream.until(3);
  expect(events.map(({ id }) => id)).toEqual([created.event.id, updated.event.id, left.event.id]);
  expect(events[0]?.data.data.object).not.toHaveProperty('geheim');
  expect(Object.keys(events[1]?.data.data.changed ?? {})).toEqual(['titel']);
  expect(events[2]?.data.data.transition).toBe('left');
});

test('says that rights changed since the event, and only those that take part in what is seen', async () => {
  await write({ titel: 'a' });
  const event = world.platform.position;
  expect((await explainEvent('bob', event)).rightsChanged).toEqual({
    changed: false,
    complete: true,
    changes: [],
  });
  await world.platform.change(world.alice.principal, { name: 'Alice the other' });
  await world.platform.change(world.policy, RULES);
  const changedAt = world.platform.position;
  await caughtUp();
  const { rightsChanged, verdict } = await explainEvent('bob', event);
  expect(rightsChanged.changes).toMatchObject([
    { event: changedAt, kind: 'policy', id: world.schema.id, version: 2 },
  ]);
  expect(verdict).toContain('Rights changed since the event');
});

test('a principal without any connection is judged by its newest rights, its groups of a moment ago included', async () => {
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  await write({ titel: 'a' });
  const event = world.platform.position;
  expect((await explainEvent('bob', event)).delivered).toBe(false);
  await world.platform.change(world.bob.principal, {
    groups: [{ organisation: world.organisation.id, group: 'behandelaars' }],
  });
  expect((await explainEvent('bob', event)).delivered).toBe(true);
});

test('who owns a row is told of it though no rule lets it pass, and not of properties that rules hide', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: ['behandelaars'] },
    properties: RULES.properties,
  });
  await write({ titel: 'a', geheim: 'x' }, { owner: 'bob' });
  const explanation = await explainEvent('bob', world.platform.position);
  expect(explanation).toMatchObject({ transition: 'created', after: { reason: "'bob' owns the row." } });
  expect(explanation.removed.map(({ name }) => name)).toEqual(['geheim']);
});

test('a row whose images could not be stored is explained as what it is', async () => {
  await world.platform.createdWithoutImages(world.row());
  await caughtUp();
  expect(await explainEvent('bob', world.platform.position)).toMatchObject({
    delivered: true,
    transition: null,
    verdict: expect.stringContaining('fetch again'),
  });
});

test('a position that is no event of an object is refused with what it is', async () => {
  await write({ titel: 'a' });
  const { platform } = world;
  const sequence = platform.last;
  const other = formatEventId({ epoch: '00000001', sequence });
  expect(await refusal(admin, `event=${other}`)).toMatchObject({
    status: 404,
    message: expect.stringContaining('of another log'),
  });
  expect(await refusal(admin, `event=${platform.id(sequence + 1)}`)).toMatchObject({
    status: 404,
    message: expect.stringContaining('was not written yet'),
  });
  expect(await refusal(admin, `event=${platform.id(1)}`)).toMatchObject({
    status: 404,
    message: expect.stringContaining('is a change of rights (organisation)'),
  });
  expect(await refusal(admin, `event=${platform.id(0)}`)).toMatchObject({ status: 404 });
  expect(await refusal(admin, 'event=evt-1')).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
  await write({ titel: 'b' });
  await platform.forget(1);
  expect(await refusal(admin, `event=${platform.id(sequence)}`)).toMatchObject({
    status: 404,
    message: expect.stringContaining('older than what the log keeps'),
  });
});

test('a subscription that sees nothing is told of by the first thing that stops each event', async () => {
  await world.platform.change(world.policy, { authorization: { read: [RULES.authorization.read[1] ?? ''] } });
  await write({ status: 'vertrouwelijk' });
  await write({ status: 'vertrouwelijk' });
  await write({ status: 'nieuw', titel: 'a' });
  const elsewhere = await write({ status: 'nieuw' }, { organisation: world.row().uuid });
  const newest = world.platform.position;
  const explanation = await explainTopic(admin, `principal=bob&${TOPIC}&filter[titel]=b`);
  expect(explanation.refusal).toBe(null);
  expect(explanation.schemas).toMatchObject([
    {
      register: 'zaken',
      schema: 'meldingen',
      rows: 'some',
      rules: [{ outcome: 'continues', rule: { pointer: '/authorization/read/0' }, fields: ['status'] }],
    },
  ]);
  expect(explanation.events).toMatchObject({
    read: 4,
    delivered: 0,
    stopped: [
      { step: 'tenant', count: 1, newest },
      { step: 'rule', count: 2, rule: { pointer: '/authorization/read' } },
      { step: 'filter', count: 1 },
    ],
  });
  expect(explanation.verdict).toContain("None of the last 4 events is for 'bob'. 2 of them:");
  expect(elsewhere.organisation).not.toBe(world.organisation.id);
  const all = await explainTopic(admin, `principal=bob&${TOPIC}`);
  expect(all.events).toMatchObject({ delivered: 1 });
});

test('only the newest events are looked at, as many as were asked for, whatever else is in the log', async () => {
  for (let index = 0; index < 12; index += 1) {
    await world.platform.created(world.row({ titel: String(index) }));
    await world.platform.change(world.alice.principal, { name: `Alice ${index}` });
  }
  await caughtUp();
  const { events } = await explainTopic(admin, `principal=bob&${TOPIC}&limit=5`);
  expect(events).toMatchObject({ limit: 5, read: 5, delivered: 5 });
  expect(await refusal(admin, `${TOPIC}&limit=1001`)).toMatchObject({ status: 400 });
});

test('an administrator learns what subscribing would be answered, and why', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: ['behandelaars'], create: ['behandelaars'] },
  });
  await write({ titel: 'a' });
  const hidden = await explainTopic(admin, `principal=bob&table=zaken-meldingen`);
  expect(hidden.refusal).toEqual({
    code: 'NOT_FOUND',
    status: 404,
    message: "There is no table 'zaken-meldingen'",
  });
  expect(hidden.schemas).toMatchObject([
    { rows: 'own', rules: [{ outcome: 'skips', groups: ['behandelaars'] }] },
  ]);
  expect(hidden.events).toMatchObject({ read: 1, stopped: [{ step: 'rule', count: 1 }] });
  await world.platform.change(world.policy, RULES);
  await caughtUp();
  const unreadable = await explainTopic(admin, `principal=bob&${TOPIC}&filter[geheim]=x`);
  expect(unreadable.refusal).toMatchObject({ code: 'UNKNOWN_FIELD', status: 400 });
  expect(unreadable.schemas).toMatchObject([{ unreadable: ['geheim'] }]);
  expect(await refusal(admin, 'principal=bob&topic=register/nothing')).toMatchObject({ status: 404 });
});

test('the same question gets the same text twice', async () => {
  await world.platform.change(world.policy, RULES);
  await write({ status: 'vertrouwelijk' });
  await write({ status: 'nieuw' }, { organisation: null });
  const query = `principal=bob&${TOPIC}`;
  expect(await ask(admin, query)).toEqual(await ask(admin, query));
  const event = `principal=bob&event=${world.platform.position}`;
  expect(await ask(admin, event)).toEqual(await ask(admin, event));
});

test('rules on the time are judged at the moment of asking', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'authenticated', match: { zichtbaarTot: { $gt: '$now' } } }] },
  });
  await write({ zichtbaarTot: '2001-01-01T00:00:00.000Z' });
  expect(await explainEvent('bob', world.platform.position)).toMatchObject({ delivered: false });
  await write({ zichtbaarTot: '2100-01-01T00:00:00.000Z' });
  expect(await explainEvent('bob', world.platform.position)).toMatchObject({ delivered: true });
});

test('an explanation of oneself holds what scopes of the token leave', async () => {
  const limited = { ...credentialOf('bob'), scopes: { topics: ['register/other'] } };
  await world.platform.set(limited);
  await write({ titel: 'a' });
  expect(await refusal(world.platform.secretOf(limited), TOPIC)).toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
  });
  const eve = person('eve', world.organisation, []);
  await world.platform.set(eve.principal, eve.credential);
  const own = await explainTopic(world.secret(eve), TOPIC);
  expect(own).toMatchObject({ principal: { id: 'eve' }, events: { delivered: 1 } });
  expect(own.events).not.toHaveProperty('read');
});
