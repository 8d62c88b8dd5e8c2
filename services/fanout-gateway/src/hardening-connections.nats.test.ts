import { randomUUID } from 'node:crypto';
import { REQUEST_SUBJECTS, SERVICE_PERMISSIONS } from '@tidewire/contract';
import { connectBus, silentLogger } from '@tidewire/messaging';
import { credentialOf } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, listConnections } from '../test/operator.ts';
import type { SseClient } from '../test/sse-client.ts';
import { World } from '../test/world.ts';

const TOPIC = 'topic=register/zaken/schema/meldingen';

let world: World;
let admin: string;
let alice: string;
let bob: string;

beforeEach(async () => {
  world = await World.start();
  admin = world.secret(world.admin);
  alice = world.secret(world.alice);
  bob = world.secret(world.bob);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

function idOf({ headers }: SseClient): string {
  return String(headers['tidewire-connection']);
}

test('nobody ends every connection by leaving the filter out, misspelling it or giving an empty one', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, TOPIC);
  for (const query of [
    '',
    '?',
    '?principle=bob',
    '?principal=',
    '?principal=*',
    '?address=',
    `?token=${admin}`,
    '?principal=bob&principal=alice',
    '?credential=nonsense',
    '?__proto__=x',
  ]) {
    const secret = query.includes('token') ? undefined : admin;
    const answer = await ask(gateway, 'DELETE', `/api/connections${query}`, secret);
    expect(answer, query).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  }
  expect(stream.closed).toBeUndefined();
  expect((await listConnections(gateway, admin)).total).toBe(1);
});

test('who is no administrator learns of no connection, and of no id whether it is one', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, TOPIC);
  const limited = { ...credentialOf('admin'), scopes: { actions: ['read' as const] } };
  await world.platform.set(limited);
  for (const secret of [alice, bob, world.platform.secretOf(limited)]) {
    const answers = await Promise.all([
      ask(gateway, 'GET', '/api/connections', secret),
      ask(gateway, 'GET', '/api/connections?principal=alice', secret),
      ask(gateway, 'GET', '/api/connections?nonsense=1', secret),
      ask(gateway, 'DELETE', '/api/connections', secret),
      ask(gateway, 'DELETE', '/api/connections?principal=alice', secret),
      ask(gateway, 'DELETE', `/api/connections/${idOf(stream)}`, secret),
      ask(gateway, 'DELETE', `/api/connections/${randomUUID()}`, secret),
      ask(gateway, 'DELETE', '/api/connections/nonsense', secret),
    ]);
    const bodies = new Set(answers.map(({ status, body }) => JSON.stringify([status, body])));
    expect(answers[0]?.status).toBe(403);
    expect(bodies.size).toBe(1);
  }
  for (const [method, path] of [
    ['GET', '/api/connections'],
    ['DELETE', `/api/connections/${idOf(stream)}`],
  ] as const) {
    const nobody = await ask(gateway, method, path);
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('www-authenticate')).toContain('Bearer');
  }
  expect(stream.closed).toBeUndefined();
});

test('on renewal the id of another principal’s connection answers like one that is not there', async () => {
  const first = await world.gateway();
  const second = await world.gateway();
  using stream = await first.subscribe(alice, TOPIC);
  for (const gateway of [first, second]) {
    const [foreign, unknown, malformed] = await Promise.all(
      [idOf(stream), randomUUID(), 'nonsense'].map((id) =>
        ask(gateway, 'POST', `/api/realtime/connections/${id}/token`, bob),
      ),
    );
    expect(foreign).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(unknown?.body).toEqual(foreign?.body);
    expect(malformed?.body).toEqual(foreign?.body);
    // Not even an administrator lends its credential to somebody else's stream.
    const administrator = await ask(
      gateway,
      'POST',
      `/api/realtime/connections/${idOf(stream)}/token`,
      admin,
    );
    expect(administrator.body).toEqual(foreign?.body);
  }
});

test('a secret is told to authz alone: no other subject, no answer and no log line ever holds it', async () => {
  const first = await world.gateway();
  const second = await world.gateway();
  const heard: { subject: string; text: string }[] = [];
  const { nats } = world.platform;
  const watched = [...new Set(Object.values(SERVICE_PERMISSIONS).flatMap(({ subscribe }) => [...subscribe]))];
  const buses = await Promise.all(
    (Object.keys(SERVICE_PERMISSIONS) as (keyof typeof SERVICE_PERMISSIONS)[]).map(async (user) => {
      const bus = await connectBus({ url: nats.urlFor(user), user, logger: silentLogger });
      for (const subject of SERVICE_PERMISSIONS[user].subscribe) {
        bus.onSignal(subject, (payload) => void heard.push({ subject, text: JSON.stringify(payload) ?? '' }));
      }
      return bus;
    }),
  );
  expect(watched).toContain(REQUEST_SUBJECTS.connections);
  const marked = credentialOf('alice');
  await world.platform.set(marked);
  const secret = world.platform.secretOf(marked);
  using stream = await first.subscribe(alice, TOPIC);
  const path = `/api/realtime/connections/${idOf(stream)}/token`;
  expect((await ask(second, 'POST', path, secret)).status).toBe(204);
  expect((await ask(second, 'POST', path, bob)).status).toBe(404);
  const listed = await listConnections(second, admin, { principal: 'alice' });
  expect((await ask(second, 'DELETE', `/api/connections/${idOf(stream)}`, admin)).status).toBe(204);
  await stream.untilNamed('end');
  await Promise.all(buses.map((bus) => bus.close()));
  const holding = (text: string): string[] =>
    heard.filter((each) => each.text.includes(text)).map(({ subject }) => subject);
  for (const each of [secret, alice, bob, admin]) {
    expect(new Set(holding(each))).toEqual(new Set([REQUEST_SUBJECTS.authenticate]));
    expect([...first.logLines, ...second.logLines].join('')).not.toContain(each);
    expect(JSON.stringify(listed)).not.toContain(each);
    expect(stream.text).not.toContain(each);
  }
  // The renewal was heard at all.
  expect(holding('"renew"')).toContain(REQUEST_SUBJECTS.connections);
});

test('nobody chooses the address that it is listed with', async () => {
  const direct = await world.gateway();
  const behind = await world.gateway({ TIDEWIRE_TRUSTED_PROXIES: 'loopback,10.0.0.0/8' });
  for (const [gateway, forwarded, address] of [
    [direct, '198.51.100.7', '127.0.0.1'],
    [behind, '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    [behind, '10.6.6.6, 198.51.100.7, 10.1.2.3', '198.51.100.7'],
    [behind, `${'1.1.1.1,'.repeat(500)}198.51.100.7`, '198.51.100.7'],
    [behind, '<script>alert(1)</script>', '127.0.0.1'],
    [behind, '198.51.100.7, unknown', '127.0.0.1'],
    [behind, '"; DROP TABLE', '127.0.0.1'],
  ] as const) {
    using stream = await gateway.subscribe(alice, TOPIC, { 'x-forwarded-for': forwarded });
    const { connections } = await listConnections(direct, admin);
    const listed = connections.find(({ id }) => id === idOf(stream));
    expect(listed?.address, forwarded).toBe(address);
  }
});

test('a write with a session cookie from the page of somebody else ends and renews nothing', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, TOPIC);
  for (const [method, path, secret] of [
    ['DELETE', `/api/connections/${idOf(stream)}`, admin],
    ['DELETE', '/api/connections?principal=alice', admin],
    ['POST', `/api/realtime/connections/${idOf(stream)}/token`, alice],
  ] as const) {
    for (const headers of [{ origin: 'https://evil.example' }, {}]) {
      const answer = await ask(gateway, method, path, undefined, {
        ...headers,
        cookie: `tidewire_session=${secret}`,
      });
      expect(answer.status).toBe(403);
    }
  }
  expect(stream.closed).toBeUndefined();
});

test('an operator that lost its right while it looked ends nothing', async () => {
  const gateway = await world.gateway();
  using stream = await gateway.subscribe(alice, TOPIC);
  await world.platform.change(world.admin.principal, { admin: false });
  expect((await ask(gateway, 'DELETE', '/api/connections?principal=alice', admin)).status).toBe(403);
  expect(stream.closed).toBeUndefined();
});
