import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BrowserProfile } from '../support/browser-tab.ts';
import { PAGE_PATHS } from './client-driver.ts';
import type { ClientTab } from './client-tab.ts';
import { ClientWorld } from './client-world.ts';
import type { ClientScene } from './client-world.ts';

const TRANSPORTS = ['websocket', 'sse', 'poll'] as const;
/** How long a token of these tests lives: the server warns six seconds before its end. Milliseconds. */
const LIFE_MS = 12_000;
const PASSWORD = 'a password for browsers';

let world: ClientWorld;

beforeAll(async () => {
  world = await ClientWorld.start();
});
afterAll(() => world?.[Symbol.asyncDispose]());

interface MadeToken {
  readonly id: string;
  readonly token: string;
}

async function idOf(scene: ClientScene, name: 'alice' | 'bob'): Promise<string> {
  const me = await scene.town.as(name).send<{ principal: { id: string } }>('GET', '/api/auth/me');
  return me.principal.id;
}

async function makeToken(scene: ClientScene, expiresAt?: number): Promise<MadeToken> {
  return await scene.town.admin.send<MadeToken>('POST', '/api/auth/tokens', {
    principal: await idOf(scene, 'alice'),
    name: 'browser',
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
  });
}

/** Whoever is refused is shown nothing, and told why. */
async function untilRefused(tab: ClientTab): Promise<void> {
  await tab.until('failed');
  const { rows, error, link } = await tab.describe();
  expect(rows).toEqual([]);
  expect(error).not.toBeNull();
  expect(link).toBe('refused');
  expect(await tab.ask('driver.errors')).toEqual([]);
}

test.concurrent.for(TRANSPORTS)(
  'a token that ends is replaced over %s, and its source goes on',
  async (transport) => {
    await using scene = await world.enter();
    const { rows, proxy } = scene;
    const end = Date.now() + LIFE_MS;
    const [short, long] = [await makeToken(scene, end), await makeToken(scene)];
    const tab = await scene.open('alice', { token: short.token, transports: [transport] });
    await tab.until('live', transport);
    const from = await tab.now();
    await tab.run(`driver.token = ${JSON.stringify(long.token)}`);
    rows.begin();
    await waitFor(() => Date.now() > end + 3000, { what: 'the token has ended', timeoutMs: 30_000 });
    await rows.rest();
    await tab.until('live', transport);
    await scene.untilEqual(tab);
    expect(await tab.ask('driver.events')).toEqual(rows.titles);
    expect(await tab.ask('driver.resyncs')).toBe(0);
    expect(proxy.lists).toBe(1);
    // A poll is not told beforehand: it is refused once, and asks anew.
    if (transport !== 'poll') expect(await tab.statesSince(from)).toEqual([]);
    expect(await tab.ask('driver.errors')).toEqual([]);
  },
);

test.concurrent.for(TRANSPORTS)(
  'who has a token that is revoked over %s, and no other, is shown nothing any more',
  async (transport) => {
    await using scene = await world.enter();
    const { id, token } = await makeToken(scene);
    await scene.rows.write(3);
    const tab = await scene.open('alice', { token, transports: [transport] });
    await tab.until('live', transport);
    expect((await tab.describe()).rows).toHaveLength(3);
    await scene.town.admin.ask('DELETE', `/api/auth/tokens/${id}`);
    await untilRefused(tab);
    // With another one it is asked to go on.
    await tab.run(`driver.token = ${JSON.stringify(scene.town.tokens.alice)}; driver.client.reconnect();`);
    await tab.until('live');
    await scene.untilEqual(tab);
  },
);

/** Gives somebody a password, and their browser a session, by the form's request. */
async function logIn(scene: ClientScene, profile: BrowserProfile, name: 'alice' | 'bob'): Promise<void> {
  const username = await idOf(scene, name);
  await scene.town.admin.send('PUT', `/api/principals/${username}/password`, { password: PASSWORD });
  const tab = await profile.open();
  const address = `${scene.proxy.origin}${PAGE_PATHS.elsewhere}`;
  await tab.go(address);
  const there = `location.href === ${JSON.stringify(address)} && document.readyState === 'complete'`;
  await waitFor(() => tab.evaluate<boolean>(there), { what: 'the page is there', timeoutMs: 20_000 });
  const body = JSON.stringify(JSON.stringify({ username, password: PASSWORD }));
  const status = await tab.evaluate(
    `fetch('/api/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${body} })
      .then(({ status }) => status)`,
  );
  expect(status).toBe(204);
  await tab[Symbol.asyncDispose]();
}

test.concurrent.for(TRANSPORTS)(
  'a session of the browser is enough over %s, and its end is the end of what is shown',
  async (transport) => {
    await using scene = await world.enter();
    await scene.rows.write(3);
    const profile = await scene.profile();
    await logIn(scene, profile, 'alice');
    const tab = await scene.open('alice', { profile, token: undefined, transports: [transport] });
    await tab.until('live', transport);
    await scene.rows.write(3);
    await scene.untilEqual(tab);
    expect(await tab.ask(`fetch('/api/auth/logout', { method: 'POST' }).then(({ status }) => status)`)).toBe(
      204,
    );
    await untilRefused(tab);
  },
);

test.concurrent(
  'a session that becomes somebody else’s shows them nothing of whoever was there before',
  async () => {
    await using scene = await world.enter();
    await scene.rows.write(3);
    const profile = await scene.profile();
    await logIn(scene, profile, 'alice');
    const tab = await scene.open('alice', { profile, token: undefined });
    await tab.until('live', 'websocket');
    await logIn(scene, profile, 'bob');
    await untilRefused(tab);
    expect((await tab.describe()).error?.code).toBe('PRINCIPAL_CHANGED');
    const own = await scene.open('bob', { profile, token: undefined });
    await own.until('live', 'websocket');
    await scene.untilEqual(own, 'bob');
  },
);

test.concurrent('the end of a session is the end of what all tabs of its browser show', async () => {
  await using scene = await world.enter();
  await scene.rows.write(3);
  const profile = await scene.profile();
  await logIn(scene, profile, 'alice');
  const tabs: ClientTab[] = [];
  for (let opened = 0; opened < 3; opened += 1) {
    const tab = await scene.open('alice', { profile, token: undefined });
    await tab.until('live', 'websocket');
    tabs.push(tab);
  }
  await tabs[1]?.run(`await fetch('/api/auth/logout', { method: 'POST' })`);
  for (const tab of tabs) await untilRefused(tab);
});

test.concurrent(
  'a tab whose token is revoked is shown nothing, and one with another token of the same person goes on',
  async () => {
    await using scene = await world.enter();
    await scene.rows.write(3);
    const profile = await scene.profile();
    const [own, other] = [await makeToken(scene), await makeToken(scene)];
    const first = await scene.open('alice', { profile, token: own.token });
    await first.until('live', 'websocket');
    const second = await scene.open('alice', { profile, token: other.token });
    await second.until('live', 'websocket');
    await scene.town.admin.ask('DELETE', `/api/auth/tokens/${own.id}`);
    await untilRefused(first);
    await scene.rows.write(3);
    await second.until('live', 'websocket');
    await scene.untilEqual(second);
  },
);
