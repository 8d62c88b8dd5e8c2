import type { SubscriptionExplanation } from '@tidewire/contract';
import { credentialOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../test/world.ts';
import type { TestGateway } from '../test/world.ts';

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

interface Answer {
  readonly status: number;
  readonly headers: string[];
  readonly text: string;
}

async function ask(secret: string | undefined, query: string): Promise<Answer> {
  const headers: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
  const answer = await fetch(gateway.url(`/api/explain?${query}`), { headers });
  const names = [...answer.headers.keys()].sort();
  return { status: answer.status, headers: names, text: await answer.text() };
}

async function own(secret: string): Promise<Omit<SubscriptionExplanation, 'position'>> {
  await caughtUp();
  const { status, text } = await ask(secret, `${TOPIC}&limit=1000`);
  expect(status, text).toBe(200);
  const { position: _position, ...rest } = JSON.parse(text) as SubscriptionExplanation;
  return rest;
}

async function caughtUp(): Promise<void> {
  const { position } = world.platform;
  const newest = async (): Promise<string> => {
    const answer = await fetch(gateway.url('/api/realtime/status'), {
      headers: { authorization: `Bearer ${admin}` },
    });
    return ((await answer.json()) as { retention?: { newestId: string } }).retention?.newestId ?? '';
  };
  await waitFor(async () => (await newest()) >= position, { what: 'the gateway has what was written' });
}

test('an outsider who asks about others is told the same whether or not they and their events exist', async () => {
  await world.platform.created(world.row({ titel: 'a' }));
  await caughtUp();
  const there = world.platform.position;
  const refused = await ask(bob, `principal=alice&${TOPIC}`);
  expect(refused.status).toBe(403);
  for (const query of [
    `principal=nobody-at-all&${TOPIC}`,
    `principal=admin&${TOPIC}`,
    'principal=alice&topic=register/nothing-at-all',
    `principal=alice&event=${there}`,
    `principal=nobody-at-all&event=${there}`,
    `principal=bob&event=${there}`,
    `event=${there}`,
    `event=${world.platform.id(999_999)}`,
    'event=evt-00000001-000000000001',
  ]) {
    expect(await ask(bob, query), query).toEqual(refused);
  }
});

test("an administrator's limited token is no administrator", async () => {
  const limited = { ...credentialOf('admin'), scopes: { actions: ['read' as const] } };
  await world.platform.set(limited);
  await world.platform.created(world.row());
  await caughtUp();
  const secret = world.platform.secretOf(limited);
  expect((await ask(secret, `principal=bob&${TOPIC}`)).status).toBe(403);
  expect((await ask(secret, `event=${world.platform.position}`)).status).toBe(403);
  const answer = JSON.parse((await ask(secret, TOPIC)).text) as SubscriptionExplanation;
  expect(answer.events).not.toHaveProperty('read');
});

test('nobody without a credential is told anything', async () => {
  expect((await ask(undefined, TOPIC)).status).toBe(401);
  expect((await ask('never-was-one', TOPIC)).status).toBe(401);
});

test('what a caller may not see changes nothing in what it is told of its own subscription', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'authenticated', match: { status: 'open' } }] },
    properties: { geheim: { read: ['behandelaars'] } },
  });
  const mine = await world.platform.created(world.row({ status: 'open', titel: 'a' }));
  const before = await own(bob);
  expect(before.events).toEqual({ limit: 1000, delivered: 1, stopped: [] });
  // Of another organisation, stopped by the rule, and seen once but hidden by now.
  await world.platform.created(world.row({ status: 'open' }, { organisation: world.row().uuid }));
  const hidden = await world.platform.created(world.row({ status: 'closed' }));
  await world.platform.updated(hidden, { properties: { status: 'closed', titel: 'b' } });
  const vanished = await world.platform.created(world.row({ status: 'open' }));
  await world.platform.updated(vanished, { properties: { status: 'closed' } });
  expect(await own(bob)).toEqual(before);
  // And the test can see a difference.
  await world.platform.updated(mine, { properties: { status: 'open', titel: 'c' } });
  expect((await own(bob)).events).toMatchObject({ delivered: 2 });
});

test('a caller is told neither the rules nor the groups that keep it out', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: ['geheime-groep'], create: ['behandelaars', 'authenticated'] },
  });
  const explanation = await own(bob);
  expect(explanation.schemas).toMatchObject([{ rows: 'own', rules: [] }]);
  expect(JSON.stringify(explanation)).not.toMatch(/geheime-groep|authorization|pointer/);
});

test('a schema that a caller may not know of is not there, in the words of one that never was', async () => {
  await world.platform.change(world.policy, {
    authorization: { read: ['behandelaars'], create: ['behandelaars'] },
  });
  await caughtUp();
  const hidden = await ask(bob, TOPIC);
  const absent = await ask(bob, 'topic=register/zaken/schema/nothing');
  expect(hidden.status).toBe(404);
  expect(hidden.text.replaceAll('meldingen', 'X')).toBe(absent.text.replaceAll('nothing', 'X'));
});

test('a property that a caller cannot read is answered as one that does not exist', async () => {
  await world.platform.change(world.policy, { properties: { geheim: { read: ['behandelaars'] } } });
  await caughtUp();
  const hidden = await ask(bob, `${TOPIC}&filter[geheim]=x`);
  const absent = await ask(bob, `${TOPIC}&filter[nothing]=x`);
  expect(hidden.status).toBe(400);
  expect(hidden.text.replaceAll('geheim', 'X')).toBe(absent.text.replaceAll('nothing', 'X'));
});

test('an administrator who loses its power while the log is read is not answered', async () => {
  await world.platform.created(world.row({ titel: 'SECRET' }));
  await caughtUp();
  const event = world.platform.position;
  world.platform.beforePrincipal = async () => {
    await world.platform.change(world.admin.principal, { admin: false });
    await waitFor(async () => (await ask(admin, `event=${event}`)).status === 403, {
      what: 'the gateway knows that there is one administrator less',
    });
  };
  const answer = await ask(admin, `principal=bob&event=${event}`);
  expect(answer.status).toBe(503);
  expect(answer.text).not.toContain('titel');
});

test('two explanations run at once, and a third is told to come again', async () => {
  await world.platform.created(world.row());
  await caughtUp();
  const query = `principal=bob&event=${world.platform.position}`;
  const gate = Promise.withResolvers<void>();
  let inside = 0;
  world.platform.beforePrincipal = () => {
    inside += 1;
    return gate.promise;
  };
  const running = [ask(admin, query), ask(admin, query)];
  await waitFor(() => inside === 2, { what: 'two are running' });
  const third = await ask(admin, query);
  expect(third.status).toBe(503);
  expect(third.headers).toContain('retry-after');
  gate.resolve();
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
});

test('a removed principal is answered as one that never was, to administrators too', async () => {
  await world.platform.created(world.row());
  await caughtUp();
  const { position } = world.platform;
  await world.platform.change(world.bob.principal, { removed: true });
  await caughtUp();
  const removed = await ask(admin, `principal=bob&event=${position}`);
  const absent = await ask(admin, `principal=never&event=${position}`);
  expect(removed.status).toBe(404);
  expect(removed.text.replaceAll('bob', 'X')).toBe(absent.text.replaceAll('never', 'X'));
});
