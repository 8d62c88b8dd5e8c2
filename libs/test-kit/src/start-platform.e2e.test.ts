import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Platform } from './platform.ts';
import { connectBus, silentLogger } from '@tidewire/messaging';
import type { MessageBus } from '@tidewire/messaging';
import { sharedPlatform } from './shared-platform.ts';
import { startPlatform } from './start-platform.ts';
import { waitFor } from './wait-for.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 2, records: 2, settings: { TIDEWIRE_SSE_HEARTBEAT_MS: '250' } });
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

const ask = (path: string, token?: string): Promise<number> =>
  fetch(`${platform.origin}${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  }).then(
    (response) => response.status,
    () => 0,
  );

test('the administrator can enter, and nobody without a token', async () => {
  expect(await ask('/api/registers', platform.adminToken)).toBe(200);
  expect(await ask('/api/registers')).toBe(401);
});

test('the database is seen as its owner, and NATS as the service that is asked for', async () => {
  expect(await platform.sql('SELECT current_user AS me WHERE $1 = 1', [1])).toEqual([
    { me: 'tidewire_owner' },
  ]);
  expect(platform.natsUrl('relay')).toMatch(/^nats:\/\/relay:.+@127\.0\.0\.1:\d+$/);
  expect(() => platform.natsUrl('pages')).toThrow();
});

test('what is killed stays down until it is restarted, and then has the same address', async () => {
  const [first, second] = platform.gateways;
  const before = { url: first?.url, pid: first?.pid, other: second?.pid };
  await platform.kill('fanout-gateway-1');
  await expect(fetch(`${before.url}/livez`)).rejects.toThrow();
  await platform.restart('fanout-gateway-1', 'SIGKILL');
  expect(first?.url).toBe(before.url);
  expect(first?.pid).not.toBe(before.pid);
  expect(second?.pid).toBe(before.other);
  expect((await fetch(`${first?.url}/livez`)).status).toBe(200);
});

test('the platform of a run is one for all of its files, and none of them may end a part of it', async () => {
  await using first = await sharedPlatform();
  await using second = await sharedPlatform();
  expect(second.origin).toBe(first.origin);
  expect(first.origin).not.toBe(platform.origin);
  await expect(first.kill('records')).rejects.toThrow('start one of your own');
  const me = `${second.origin}/api/auth/me`;
  const headers = { authorization: `Bearer ${second.adminToken}` };
  expect((await fetch(me, { headers })).status).toBe(200);
  expect(await second.sql('SELECT current_user AS me')).toEqual([{ me: 'tidewire_owner' }]);
});

test('the edge serves from whichever process of records there is', async () => {
  expect(platform.records.map(({ name }) => name)).toEqual(['records-1', 'records-2']);
  const statuses = (): Promise<number[]> =>
    Promise.all(Array.from({ length: 6 }, () => ask('/api/registers', platform.adminToken)));
  for (const { name, url, pid } of platform.records) {
    await platform.kill(name);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
    expect(await statuses()).toEqual([200, 200, 200, 200, 200, 200]);
    await platform.restart(name, 'SIGKILL');
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect(platform.records.find((other) => other.name === name)?.pid).not.toBe(pid);
  }
});

test.each(['nats', 'postgres', 'relay', 'records-2', 'authz'] as const)(
  'serves again after %s was killed and restarted',
  async (name) => {
    await platform.restart(name, 'SIGKILL');
    await waitFor(async () => (await ask('/api/registers', platform.adminToken)) === 200, {
      timeoutMs: 20_000,
      what: `records answers after ${name} came back`,
    });
    await waitFor(
      () =>
        platform
          .sql('SELECT 1')
          .then(() => true)
          .catch(() => false),
      { what: 'PostgreSQL answers' },
    );
  },
);

test('lets in to NATS whoever shows a token, to its own inbox, and nobody else', async () => {
  const { host } = new URL(platform.natsServer);
  const open = (secret: string): Promise<MessageBus> =>
    connectBus({
      url: `nats://admin:${secret}@${host}`,
      user: 'admin',
      logger: silentLogger,
      connectTimeoutMs: 0,
    });
  await using admitted = await open(platform.adminToken);
  expect(admitted.connected).toBe(true);
  await expect(open('wrong')).rejects.toThrow(/authorization violation/i);
});
