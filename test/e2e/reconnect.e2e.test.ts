import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Follower } from '../support/follower.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';
import { writeSteadily } from '../support/writers.ts';

let platform: Platform;
let town: Town;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2 });
  town = await buildTown(platform.origin, platform.adminToken);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

async function rowsAsListed(name: 'admin' | 'alice' | 'bob'): Promise<Map<string, unknown>> {
  const listed = await town
    .as(name)
    .send<{ results: { id: string }[]; pages: number }>('GET', `/api/objects/${town.collection}?_limit=1000`);
  expect(listed.pages).toBeLessThanOrEqual(1);
  return new Map(listed.results.map((row) => [row.id, row]));
}

test('EventSource clients behind the edge miss nothing while gateways are terminated and killed at 50 writes a second', async () => {
  const followers = await Promise.all(
    (['admin', 'alice', 'bob'] as const).map(async (name) => ({
      name,
      follower: await Follower.start({
        bases: () => [platform.origin],
        api: platform.origin,
        collection: town.collection,
        token: town.tokens[name],
      }),
    })),
  );
  await waitFor(() => followers.every(({ follower }) => follower.isOpen), { what: 'streams open' });
  const stop = new AbortController();
  const writing = writeSteadily({
    api: town.as('alice'),
    collection: town.collection,
    rate: 50,
    signal: stop.signal,
  });
  for (const [name, how] of [
    ['fanout-gateway-1', 'SIGKILL'],
    ['fanout-gateway-2', 'SIGTERM'],
    ['fanout-gateway-1', 'SIGTERM'],
    ['fanout-gateway-2', 'SIGKILL'],
  ] as const) {
    const before = followers[0]?.follower.events.length ?? 0;
    await waitFor(() => (followers[0]?.follower.events.length ?? 0) > before + 25, {
      what: 'events flow',
      timeoutMs: 30_000,
    });
    await platform.restart(name, how);
  }
  stop.abort();
  const acknowledged = await writing;
  expect(acknowledged).toBeGreaterThan(100);
  await town.as('alice').send('POST', `/api/objects/${town.collection}`, { titel: 'last', status: 'nieuw' });
  for (const { name, follower } of followers) {
    await waitFor(() => [...follower.rows.values()].some((row) => row['titel'] === 'last'), {
      what: `${name} has the last row`,
      timeoutMs: 30_000,
    });
    expect(follower.rows, name).toEqual(await rowsAsListed(name as 'alice'));
    expect(follower.faults, name).toEqual([]);
    await follower[Symbol.asyncDispose]();
  }
  const bob = followers.find(({ name }) => name === 'bob')?.follower;
  expect(bob?.events.filter((event) => event.data.object?.['status'] === 'vertrouwelijk')).toEqual([]);
});
