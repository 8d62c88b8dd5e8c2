import { formatTimestamp } from '@tidewire/contract';
import type { LogMessage, Policy } from '@tidewire/contract';
import {
  credentialOf,
  objectMessage,
  policyOf,
  register,
  rightsMessage,
  schemaOf,
  waitFor,
} from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from '../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let alice: string;
let bob: string;

beforeEach(async () => {
  world = await World.start();
  alice = world.secret(world.alice);
  bob = world.secret(world.bob);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

/** Tighten, write, loosen, write: what one round puts into the log in one go. */
function round(policy: Policy, version: number, name: string): LogMessage[] {
  const tight = { ...policy, authorization: { read: ['directie'] }, version };
  const loose = { ...policy, authorization: { read: ['behandelaars'] }, version: version + 1 };
  return [
    rightsMessage(tight),
    objectMessage('created', null, world.row({ titel: `SECRET-${name}` })),
    rightsMessage(loose),
    objectMessage('created', null, world.row({ titel: `open-${name}` })),
  ];
}

test(
  'an event written right after its schema was tightened never leaks, on gateways that are paused at random',
  {
    timeout: 120_000,
  },
  async () => {
    const rounds = 2000;
    const steady = await world.gateway();
    const paused = await world.gatewayProcess();
    using one = await steady.subscribe(alice, TOPIC);
    using two = await paused.subscribe(alice, TOPIC);
    let version = world.policy.version;
    for (let index = 0; index < rounds;) {
      const size = 1 + Math.floor(Math.random() * 20);
      if (Math.random() < 0.3) paused.pause();
      const messages: LogMessage[] = [];
      for (let step = 0; step < size; step += 1, index += 1, version += 2) {
        messages.push(...round(world.policy, version + 1, String(index)));
      }
      // Cut anywhere, so that rule and event travel together and apart.
      const cut = Math.floor(Math.random() * messages.length);
      if (cut > 0) await world.platform.append(messages.slice(0, cut));
      if (Math.random() < 0.5) paused.resume();
      await world.platform.append(messages.slice(cut));
      if (Math.random() < 0.5) paused.resume();
    }
    paused.resume();
    await world.platform.created(world.row({ titel: 'the end' }));
    for (const stream of [one, two]) {
      await waitFor(() => stream.text.includes('the end'), {
        what: 'the last event arrives',
        timeoutMs: 30_000,
      });
      expect(stream.text).not.toContain('SECRET');
      expect(stream.text).toContain('open-');
      expect(stream.named('resync').length).toBeGreaterThan(0);
    }
  },
);

test('a stream is told once that its rights changed, whether they were gained or lost, and others are not', async () => {
  const gateway = await world.gateway();
  await world.platform.change(world.policy, { authorization: { read: ['behandelaars'] } });
  using ofAlice = await gateway.subscribe(alice, TOPIC);
  using ofBob = await gateway.subscribe(bob, `topic=object/${world.row().uuid}&${TOPIC}`);
  await world.platform.change(world.bob.principal, {
    groups: [{ organisation: world.organisation.id, group: 'behandelaars' }],
  });
  const row = await world.platform.created(world.row({ titel: 'a' }));
  expect((await ofBob.until(2)).map(({ event, data }) => data.reason ?? event)).toEqual([
    'rights-changed',
    'object.created',
  ]);
  await world.platform.change(world.bob.principal, { groups: [] });
  await world.platform.updated(row, { properties: { titel: 'b' } });
  const { position } = world.platform;
  await waitFor(() => ofBob.lastEventId === position, { what: 'bob is past the update' });
  expect(ofBob.events.slice(2).map(({ data }) => data.reason)).toEqual(['rights-changed']);
  expect((await ofAlice.until(2)).map(({ event }) => event)).toEqual(['object.created', 'object.updated']);
});

test('a change of a principal that changes nothing it may see is not told', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, TOPIC);
  await world.platform.change(world.alice.principal, { name: 'Alice' });
  await world.platform.created(world.row());
  expect((await stream.until(1))[0]?.event).toBe('object.created');
});

test('a property that became unreadable is trimmed from the next event on', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, TOPIC);
  const row = await world.platform.created(world.row({ titel: 'a', geheim: 'known so far' }));
  await stream.until(1);
  await world.platform.change(world.policy, { properties: { geheim: { read: ['directie'] } } });
  await world.platform.updated(row, { properties: { titel: 'b', geheim: 'SECRET' } });
  const events = await stream.until(3);
  expect(events.map(({ event }) => event)).toEqual(['object.created', 'resync', 'object.updated']);
  expect(events[0]?.data.data.object).toMatchObject({ geheim: 'known so far' });
  expect(events[2]?.data.data.changed).toEqual({ titel: { old: 'a', new: 'b' } });
  expect(stream.text).not.toContain('SECRET');
});

test.each(['revoked', 'its principal removed'])(
  'a stream whose credential is %s ends with the reason',
  async (how) => {
    const gateway = await world.gateway();
    using stream = await gateway.subscribe(alice, TOPIC);
    using other = await gateway.subscribe(bob, TOPIC);
    if (how === 'revoked') {
      await world.platform.change(world.alice.credential, { endedAt: formatTimestamp(Date.now()) });
    } else {
      await world.platform.change(world.alice.principal, { removed: true });
    }
    await world.platform.created(world.row({ titel: 'SECRET' }));
    expect((await stream.untilNamed('end')).data).toEqual({
      code: 'CREDENTIAL_ENDED',
      reason: expect.any(String),
      reconnect: false,
    });
    await stream.untilClosed();
    await other.until(1);
    expect(stream.text).not.toContain('SECRET');
    using again = await gateway.subscribe(alice, TOPIC);
    expect(again.status).toBe(how === 'revoked' ? 401 : 401);
  },
);

test('a credential that was revoked while authz was answering does not open a stream', async () => {
  const gateway = await world.gateway();
  const late = credentialOf('alice');
  await world.platform.set(late);
  const secret = world.platform.secretOf(late);
  for (let index = 0; index < 50; index += 1) {
    const fresh = credentialOf('alice');
    await world.platform.set(fresh);
    const opening = gateway.subscribe(world.platform.secretOf(fresh), TOPIC);
    const ending = world.platform.change(fresh, { endedAt: formatTimestamp(Date.now()) });
    using stream = await opening;
    await ending;
    if (stream.status === 200) await stream.untilNamed('end');
    else expect(stream.status).toBe(401);
  }
  expect((await gateway.subscribe(secret, TOPIC)).status).toBe(200);
});

test('what a slug meant before is not told to who may read what it means now', async () => {
  const gateway = await world.gateway();
  await world.platform.change(world.policy, { authorization: { read: ['directie'] } });
  const cursor = world.platform.position;
  const row = await world.platform.created(world.row({ titel: 'SECRET of the old register' }));
  await world.platform.deleted(row);
  await world.platform.change(world.schema, { removed: true });
  await world.platform.change(world.register, { removed: true });
  const reborn = register('zaken');
  const schema = schemaOf(reborn, 'meldingen');
  await world.platform.set(policyOf('schema', schema.id, { read: ['public'] }), reborn, schema);
  await world.platform.created(world.row({ titel: 'new' }, { register: reborn, schema }));
  const subscribed = await waitFor(
    async () => {
      const stream = await gateway.subscribe(bob, `topic=register/zaken&lastEventId=${cursor}`);
      return stream.status === 200 && stream;
    },
    { what: 'the new register is there' },
  );
  using stream = subscribed;
  await stream.until(1);
  expect(stream.text).toContain('"new"');
  expect(stream.text).not.toContain('SECRET');
});

test('streams on a register or schema that is deleted end as gone, after the deletes of its objects', async () => {
  const gateway = await world.gateway();
  using onSchema = await gateway.subscribe(alice, TOPIC);
  using onRegister = await gateway.subscribe(alice, 'topic=register/zaken');
  const row = await world.platform.created(world.row());
  await world.platform.deleted(row);
  await world.platform.change(world.schema, { removed: true });
  expect((await onSchema.untilNamed('end')).data).toMatchObject({ code: 'GONE', reconnect: false });
  expect(onSchema.events.map(({ event }) => event)).toEqual(['object.created', 'object.deleted', 'end']);
  expect(await onSchema.untilClosed()).toBe('end');
  expect(onRegister.closed).toBeUndefined();
  await world.platform.change(world.register, { removed: true });
  expect((await onRegister.untilNamed('end')).data).toMatchObject({ code: 'GONE' });
});

test('an event of a schema that is not in the catalogue goes to nobody, administrators included', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(world.secret(world.admin), 'topic=register/zaken');
  const unknown = schemaOf(world.register, 'onbekend');
  await world.platform.created(world.row({ titel: 'SECRET' }, { schema: unknown }));
  await world.platform.created(world.row({ titel: 'a' }));
  await stream.until(1);
  expect(stream.text).not.toContain('SECRET');
});

test('a new schema of a subscribed register is part of the stream from its first event on', async () => {
  const gateway = await world.gateway();
  using plain = await gateway.subscribe(alice, 'topic=register/zaken');
  using filtered = await gateway.subscribe(alice, 'topic=register/zaken&filter[titel]=a');
  const added = schemaOf(world.register, 'nieuw');
  await world.platform.set(policyOf('schema', added.id, {}), added);
  await world.platform.created(world.row({ titel: 'a' }, { schema: added }));
  await world.platform.created(world.row({ titel: 'b' }, { schema: added }));
  expect((await plain.until(2)).map(({ event }) => event)).toEqual(['object.created', 'object.created']);
  expect((await filtered.until(1)).map(({ data }) => data.data.object.titel)).toEqual(['a']);
});

test('names that JavaScript knows are ordinary names', async () => {
  const gateway = await world.gateway();
  const odd = register('__proto__'.replaceAll('_', 'x'));
  const schema = {
    ...schemaOf(odd, 'constructor'),
    properties: Object.fromEntries([['constructor', { type: 'string' as const }]]),
  };
  await world.platform.set(policyOf('schema', schema.id, { read: ['authenticated'] }), odd, schema);
  const path = `topic=register/${odd.slug}/schema/constructor`;
  const open = await waitFor(
    async () => {
      const stream = await gateway.subscribe(alice, `${path}&filter[constructor]=x`);
      return stream.status === 200 && stream;
    },
    { what: 'the schema is there' },
  );
  using stream = open;
  await world.platform.created(world.row({ constructor: 'x' }, { register: odd, schema }));
  await stream.until(1);
  for (const name of ['__proto__', 'toString', 'hasOwnProperty']) {
    using refused = await gateway.subscribe(alice, `${path}&filter[${name}]=x`);
    expect(refused.status).toBe(400);
  }
});
