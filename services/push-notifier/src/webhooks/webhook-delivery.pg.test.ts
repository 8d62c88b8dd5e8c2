import { parseEventId } from '@tidewire/contract';
import { CloudEvent, HTTP } from 'cloudevents';
import { LIMITED_CREDENTIAL, credentialOf, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isBodySignedBy, isSignedBy } from '../../test/webhook-endpoint.ts';
import { ALICE, BOB, WebhookWorld, titlesOf } from '../../test/webhook-world.ts';
import type { Replica } from '../../test/webhook-world.ts';

const SECOND = 1000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

let world: WebhookWorld;
let replica: Replica;
beforeEach(async () => {
  ({ world, replica } = await WebhookWorld.startWhole());
});
afterEach(() => world[Symbol.asyncDispose]());

test('events are posted in their order, signed by both contracts, each as its owner may see it', async () => {
  const { id, secret } = await world.registered(replica, { headers: { Authorization: 'Bearer of-theirs' } });
  await world.created('een');
  await world.created('geheim', { status: 'intern' });
  await world.created('twee');
  const received = await world.endpoint.until(2);
  expect(titlesOf(received)).toEqual(['een', 'twee']);
  for (const each of received) {
    expect(isSignedBy(secret, each)).toBe(true);
    expect(isBodySignedBy(secret, each)).toBe(true);
    expect(isSignedBy('whsec_b3RoZXI=', each)).toBe(false);
    expect(each.headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'Tidewire-Webhooks',
      'authorization': 'Bearer of-theirs',
      'webhook-id': `${each.json.id}_${id}`,
      'webhook-timestamp': String(world.clock.now() / 1000),
    });
    expect(HTTP.toEvent({ headers: each.headers, body: each.body.toString() })).toBeInstanceOf(CloudEvent);
  }
  const last = received[1]?.json.id as string;
  const webhook = await world.until(replica, id, ({ lastEventId }) => lastEventId === last);
  expect(webhook).toMatchObject({
    counts: { delivered: 2, failed: 0, dead: 0 },
    circuit: 'closed',
    failures: 0,
  });
  expect(await world.log(replica, id)).toMatchObject([
    { id: 1, eventId: received[0]?.json.id, attempt: 1, outcome: 'delivered', status: 204 },
    { id: 2, eventId: last, attempt: 1, outcome: 'delivered', message: 'The endpoint answered 204.' },
  ]);
  expect(replica.logLines.join('')).not.toMatch(/of-theirs|whsec_|geheim|een|127\.0\.0\.1:\d+\/hook/);
});

test('in binary mode the attributes are headers, and the body is the data', async () => {
  const { secret } = await world.registered(replica, { mode: 'binary', fields: ['titel'] });
  await world.created('lantaarn');
  const [received] = await world.endpoint.until(1);
  expect(received?.headers).toMatchObject({
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-type': 'nl.conduction.openregister.object.created',
  });
  expect(parseEventId(String(received?.headers['ce-id']))).toMatchObject({ epoch: world.platform.epoch });
  expect(received?.json).toMatchObject({ schema: 'meldingen', object: { titel: 'lantaarn' } });
  expect(received?.json.object.status).toBeUndefined();
  expect(received && isSignedBy(secret, received)).toBe(true);
});

test('what fails is tried again, later and later, and nothing overtakes it', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => ({ status: 500, body: 'not today' });
  await world.created('een');
  await world.created('twee');
  for (const [failures, delay] of [5, 10, 20].entries()) {
    await world.endpoint.until(failures + 1);
    const { nextAttemptAt } = await world.until(replica, id, (seen) => seen.failures === failures + 1);
    expect(Date.parse(nextAttemptAt ?? '') - world.clock.now()).toBe(delay * SECOND);
    // A moment before, nobody looks at it.
    world.clock.advance(delay * SECOND - 1);
    await replica.webhooks.wake();
    expect(world.endpoint.received).toHaveLength(failures + 1);
    if (failures === 2) world.endpoint.reply = () => ({ status: 200 });
    world.clock.advance(1);
    await replica.webhooks.wake();
  }
  const received = await world.endpoint.until(5);
  expect(titlesOf(received)).toEqual(['een', 'een', 'een', 'een', 'twee']);
  expect(new Set(received.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  const { counts, failures } = await world.until(replica, id, ({ counts: { delivered } }) => delivered === 2);
  expect({ counts, failures }).toEqual({ counts: { delivered: 2, failed: 3, dead: 0 }, failures: 0 });
  const log = await world.log(replica, id);
  expect(log.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'failed'],
    [4, 'delivered'],
    [1, 'delivered'],
  ]);
  expect(log[0]).toMatchObject({ status: 500, answer: 'not today', message: 'The endpoint answered 500.' });
});

test('an endpoint says when it wants to be asked again, up to an hour', async () => {
  const { id } = await world.registered(replica);
  const due = async (failures: number): Promise<number> => {
    const { nextAttemptAt } = await world.until(replica, id, (seen) => seen.failures === failures);
    return Date.parse(nextAttemptAt ?? '') - world.clock.now();
  };
  world.endpoint.reply = () => ({ status: 503, headers: { 'retry-after': '120' } });
  await world.created('een');
  expect(await due(1)).toBe(120 * SECOND);
  world.endpoint.reply = () => ({ status: 429, headers: { 'retry-after': '86000' } });
  world.clock.advance(120 * SECOND);
  expect(await due(2)).toBe(HOUR);
});

test('a row that its owner may not see any more when it is tried again is not posted', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => ({ status: 500 });
  const row = await world.created('van iedereen');
  await world.until(replica, id, ({ failures }) => failures === 1);
  await world.platform.updated(row, { properties: { titel: 'vertrouwelijk', status: 'intern' } });
  world.endpoint.reply = () => ({ status: 204 });
  await world.created('daarna');
  world.clock.advance(10 * SECOND);
  const received = await world.endpoint.until(2);
  expect(titlesOf(received)).toEqual(['van iedereen', 'daarna']);
  expect(JSON.stringify(received.slice(1).map(({ json }) => json))).not.toMatch(/vertrouwelijk|iedereen/);
  await world.until(replica, id, ({ counts }) => counts.delivered === 1);
});

test('a right that is taken away between two attempts leaves a resync, and nothing of what it was about', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => ({ status: 500 });
  await world.created('van iedereen');
  await world.until(replica, id, ({ failures }) => failures === 1);
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  world.endpoint.reply = () => ({ status: 204 });
  world.clock.advance(10 * SECOND);
  const [, resync, ...more] = await world.endpoint.until(2);
  expect(resync?.json).toMatchObject({
    type: 'nl.example.resync',
    source: 'https://tidewire.example',
    data: { reason: 'rights-changed', current: world.platform.position, topics: ['register/zaken'] },
  });
  expect(JSON.stringify(resync?.json)).not.toContain('iedereen');
  expect(more).toEqual([]);
  await world.until(replica, id, ({ lastEventId }) => lastEventId === world.platform.position);
});

test('a webhook that fell behind the log is told so once, and goes on from there', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => ({ status: 500 });
  await world.created('vergeten');
  await world.until(replica, id, ({ failures }) => failures === 1);
  for (const titel of ['b', 'c', 'd', 'e']) await world.created(titel);
  await world.platform.forget(1);
  await world.replaceGateways();
  // The resync fails as well: it is the same message when it is tried again.
  for (const failures of [2, 3]) {
    world.clock.advance(30 * SECOND);
    await world.until(replica, id, (seen) => seen.failures === failures);
  }
  world.endpoint.reply = () => ({ status: 204 });
  world.clock.advance(30 * SECOND);
  await world.until(replica, id, ({ counts }) => counts.delivered === 1);
  await world.created('daarna');
  const received = await world.endpoint.until(5);
  expect(received.map(({ json }) => json.type.split('.').at(-1))).toEqual([
    'created',
    'resync',
    'resync',
    'resync',
    'created',
  ]);
  const ids = received.slice(1, 4).map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(1);
  expect(titlesOf(received.slice(4))).toEqual(['daarna']);
});

test('five failures in a row open the circuit; after a day the event is passed over and the next one takes its turn', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => ({ status: 500 });
  await world.created('een');
  await world.created('twee');
  let passed = 0;
  for (let failures = 1; passed < DAY; failures += 1) {
    const seen = await world.until(replica, id, (webhook) => webhook.failures === failures);
    expect(seen.circuit).toBe(failures < 5 ? 'closed' : 'open');
    // One probe for each delay, whatever waits behind it.
    expect(world.endpoint.received).toHaveLength(failures);
    const delay = Date.parse(seen.nextAttemptAt ?? '') - world.clock.now();
    expect(delay).toBeLessThanOrEqual(HOUR);
    passed += delay;
    world.clock.advance(delay);
  }
  await waitFor(() => replica.dead.length === 1, { what: 'the event is passed over' });
  const [letter] = replica.dead;
  expect(letter).toMatchObject({
    webhook: id,
    principal: 'bob',
    eventId: world.endpoint.received[0]?.json.id,
  });
  expect((await world.log(replica, id)).at(-1)).toMatchObject({ outcome: 'dead', attempt: letter?.attempts });
  world.endpoint.reply = () => ({ status: 204 });
  // Even the next one waits for the delay: the endpoint is as broken as it was.
  const before = world.endpoint.received.length;
  await replica.webhooks.wake();
  expect(world.endpoint.received).toHaveLength(before);
  world.clock.advance(HOUR);
  const received = await world.endpoint.until(before + 1);
  expect(titlesOf(received.slice(-1))).toEqual(['twee']);
  expect(await world.until(replica, id, ({ failures }) => failures === 0)).toMatchObject({
    circuit: 'closed',
    counts: { delivered: 1, dead: 1 },
  });
});

test('an endpoint that is gone disables its webhook, and nothing is lost when it comes back', async () => {
  const { id } = await world.registered(replica);
  world.endpoint.reply = () => ({ status: 410 });
  await world.created('een');
  const disabled = await world.until(replica, id, ({ enabled }) => !enabled);
  expect(disabled.disabledReason).toContain('410');
  world.endpoint.reply = () => ({ status: 204 });
  world.clock.advance(DAY);
  await replica.webhooks.wake();
  expect(world.endpoint.received).toHaveLength(1);
  expect(await replica.webhooks.registry.change(BOB, id, { enabled: true })).toMatchObject({
    enabled: true,
    disabledReason: null,
  });
  expect(titlesOf(await world.endpoint.until(2))).toEqual(['een', 'een']);
});

test('a webhook whose owner is removed is disabled, and says why', async () => {
  const { id } = await world.registered(replica);
  await world.created('een');
  await world.endpoint.until(1);
  await world.platform.change(world.bob.principal, { removed: true });
  const { enabled, disabledReason } = await world.until(replica, id, (webhook) => !webhook.enabled);
  expect({ enabled, disabledReason }).toEqual({
    enabled: false,
    disabledReason: expect.stringMatching(/^(CREDENTIAL_ENDED|UNAUTHORIZED): /),
  });
  await world.created('twee');
  await replica.webhooks.wake();
  expect(replica.webhooks.held).toBe(0);
  expect(world.endpoint.received).toHaveLength(1);
});

test('a webhook of a limited credential is limited as it is, and ends with it; others of its principal go on', async () => {
  const limited = {
    ...credentialOf('alice'),
    id: LIMITED_CREDENTIAL,
    scopes: { topics: ['register/zaken/schema/klachten'] },
  };
  const complaints = schemaOf(world.register, 'klachten');
  await world.platform.set(complaints, policyOf('schema', complaints.id, {}), limited);
  const owner = { principal: 'alice', credential: LIMITED_CREDENTIAL };
  const { id } = await world.registered(replica, { url: world.endpoint.url('/limited') }, owner);
  await world.registered(replica, {}, ALICE);
  await world.created('melding');
  const klacht = { schema: { id: complaints.id, slug: complaints.slug } };
  await world.platform.created(world.row({ titel: 'klacht' }, klacht));
  expect(titlesOf(await world.endpoint.until(1, '/limited'))).toEqual(['klacht']);
  expect(titlesOf(await world.endpoint.until(2))).toEqual(['melding', 'klacht']);
  await world.platform.change(limited, { endedAt: '2026-01-01T00:00:00.000Z' });
  const { disabledReason } = await world.until(replica, id, ({ enabled }) => !enabled, owner);
  expect(disabledReason).toMatch(/^(CREDENTIAL_ENDED|UNAUTHORIZED): /);
  await world.platform.created(world.row({ titel: 'nog een' }, klacht));
  expect(titlesOf(await world.endpoint.until(3))).toEqual(['melding', 'klacht', 'nog een']);
  expect(world.endpoint.at('/limited')).toHaveLength(1);
});
