import { PUSH_PATHS } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PushWorld } from '../../test/world.ts';
import type { TestNotifier } from '../../test/world.ts';

let world: PushWorld;
let one: TestNotifier;
let other: TestNotifier;

beforeAll(async () => {
  world = await PushWorld.start();
  [one, other] = await Promise.all([
    world.notifier(),
    world.notifier({ TIDEWIRE_TRUSTED_PROXIES: 'loopback' }),
  ]);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

test('a number that one notifier is told is heard by every other one, and comes back by way of authz', async () => {
  const read = async (path: string): Promise<unknown> => (await other.ask('GET', path, world.admin)).body;
  expect(await read(PUSH_PATHS.testCookie)).toBe('0');
  const told = await one.ask('POST', PUSH_PATHS.testCookie, world.admin, {}, { cookie: 4711 });
  expect(told.status).toBe(202);
  await waitFor(async () => (await read(PUSH_PATHS.testCookie)) === '4711', {
    what: 'the other one hears it',
  });
  expect(await read(PUSH_PATHS.testReverseCookie)).toBe('4711');
  world.platform.authzAway = true;
  expect((await other.ask('GET', PUSH_PATHS.testReverseCookie, world.admin)).status).toBe(503);
  world.platform.authzAway = false;
});

test('whose address is believed is seen by asking', async () => {
  const path = PUSH_PATHS.testRemote.replace('{ip}', '198.51.100.7');
  const seen = await Promise.all([one, other].map((notifier) => notifier.ask('GET', path, world.admin)));
  expect(seen.map(({ body }) => body)).toEqual(['127.0.0.1', '198.51.100.7']);
  expect((await one.ask('GET', PUSH_PATHS.testRemote.replace('{ip}', 'x'), world.admin)).status).toBe(400);
});

test('they are for administrators', async () => {
  const { testCookie, testReverseCookie, testRemote } = PUSH_PATHS;
  for (const path of [testCookie, testReverseCookie, testRemote.replace('{ip}', '::1')]) {
    expect((await one.ask('GET', path, world.bob)).status).toBe(403);
    expect((await one.ask('GET', path)).status).toBe(401);
  }
  expect((await one.ask('POST', testCookie, world.bob, {}, { cookie: 1 })).status).toBe(403);
});
