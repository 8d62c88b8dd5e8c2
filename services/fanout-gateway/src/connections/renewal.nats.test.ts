import { afterEach, beforeEach, expect, test } from 'vitest';
import { credentialOf, policyOf, schemaOf, waitFor } from '@tidewire/test-kit';
import { ask, listConnections } from '../../test/operator.ts';
import type { SseClient } from '../../test/sse-client.ts';
import { World } from '../../test/world.ts';
import type { TestGateway } from '../../test/world.ts';
import type { Credential } from '@tidewire/contract';

let world: World;
let alice: string;
let gateway: TestGateway;

beforeEach(async () => {
  world = await World.start();
  alice = world.secret(world.alice);
  gateway = await world.gateway();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

async function credential(of: string, scopes: Credential['scopes'] = null): Promise<string> {
  const made = { ...credentialOf(of), scopes };
  await world.platform.set(made);
  return world.platform.secretOf(made);
}

async function renew(stream: SseClient, secret?: string, headers: Record<string, string> = {}) {
  const id = String(stream.headers['tidewire-connection']);
  return await ask(gateway, 'POST', `/api/realtime/connections/${id}/token`, secret, headers);
}

test('a credential that sees less takes effect at once: the client is told to fetch again, and nothing else comes', async () => {
  const other = schemaOf(world.register, 'anders');
  await world.platform.set(policyOf('schema', other.id, { read: ['authenticated'] }), other);
  using stream = await gateway.subscribe(alice, 'topic=register/zaken');
  await world.platform.created(world.row({ titel: 'before' }, { schema: other }));
  await stream.until(1);
  const narrow = await credential('alice', { topics: ['register/zaken/schema/meldingen'] });
  expect((await renew(stream, narrow)).status).toBe(204);
  expect((await stream.untilNamed('resync')).data.reason).toBe('rights-changed');
  await world.platform.created(world.row({ titel: 'SECRET' }, { schema: other }));
  await world.platform.created(world.row({ titel: 'after' }));
  await stream.until(3);
  expect(stream.text).not.toContain('SECRET');
  // And back to more, which is told as well.
  expect((await renew(stream, await credential('alice'))).status).toBe(204);
  await waitFor(() => stream.named('resync').length === 2, { what: 'the second resync' });
  await world.platform.created(world.row({ titel: 'again' }, { schema: other }));
  await stream.until(5);
});

test('a credential that sees the same is taken without a word, also in the middle of many events', async () => {
  using stream = await gateway.subscribe(alice, 'topic=register/zaken');
  const secrets = await Promise.all(Array.from({ length: 5 }, () => credential('alice')));
  const writes = (async () => {
    for (let index = 0; index < 50; index += 1)
      await world.platform.created(world.row({ titel: `r${index}` }));
  })();
  for (const secret of secrets) expect((await renew(stream, secret)).status).toBe(204);
  await writes;
  const events = await stream.until(50);
  expect(events.map(({ data }) => data.data.object.titel)).toEqual(
    Array.from({ length: 50 }, (_, index) => `r${index}`),
  );
});

test('a credential that may not read the topics is refused, and the stream keeps the one that it has', async () => {
  using stream = await gateway.subscribe(alice, 'topic=register/zaken/schema/meldingen');
  using table = await gateway.subscribe(alice, 'topic=register/zaken');
  const foreign = await credential('alice', { topics: ['register/anders'] });
  for (const each of [stream, table]) {
    const answer = await renew(each, foreign);
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    // The caller need not be who subscribed: what to is not its business.
    expect(JSON.stringify(answer.body)).not.toContain('zaken');
  }
  await world.platform.created(world.row({ titel: 'a' }));
  expect((await stream.until(1)).map(({ event }) => event)).toEqual(['object.created']);
  const { connections } = await listConnections(gateway, world.secret(world.admin), { principal: 'alice' });
  expect(new Set(connections.map((each) => each.credential))).toEqual(new Set([world.alice.credential.id]));
});

test('a stream that is renewed while it is being brought up to date misses nothing', async () => {
  const cursor = world.platform.position;
  for (let index = 0; index < 200; index += 1)
    await world.platform.created(world.row({ titel: `r${index}` }));
  const secret = await credential('alice');
  using stream = await gateway.subscribe(alice, `topic=register/zaken&lastEventId=${cursor}`);
  expect((await renew(stream, secret)).status).toBe(204);
  await world.platform.created(world.row({ titel: 'last' }));
  await waitFor(() => stream.text.includes('"last"'), { what: 'the last event' });
  const created = stream.named('object.created').map(({ data }) => data.data.object.titel);
  expect(created).toEqual([...Array.from({ length: 200 }, (_, index) => `r${index}`), 'last']);
});

test('an unknown, an expired, an anonymous and a removed caller renew nothing', async () => {
  using stream = await gateway.subscribe(alice, 'topic=register/zaken');
  expect((await renew(stream, 'nonsense')).status).toBe(401);
  expect((await renew(stream)).status).toBe(401);
  const expired = { ...credentialOf('alice'), expiresAt: '2026-01-01T00:00:00.000Z' };
  await world.platform.set(expired);
  expect((await renew(stream, world.platform.secretOf(expired))).status).toBe(401);
  await world.platform.created(world.row());
  await stream.until(1);
});
