import { createLogger, createPool } from '@tidewire/service-kit';
import { LIMITED_CREDENTIAL, credentialOf, waitFor } from '@tidewire/test-kit';
import type { Person } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IdleFollowers } from '../changes/idle-followers.ts';
import { PushWorld } from '../../test/world.ts';
import type { TestNotifier } from '../../test/world.ts';

/** Nothing is there, and nothing has to be. */
const REDIS = { TIDEWIRE_NEXTCLOUD_REDIS_URL: 'redis://127.0.0.1:1' };
const logger = createLogger({ service: 'test', level: 'silent' });

let world: PushWorld;
let notifier: TestNotifier;
beforeEach(async () => {
  world = await PushWorld.start();
  notifier = await world.notifier(REDIS);
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

async function ask(
  method: string,
  principal: string,
  who?: Person,
  payload?: object,
): Promise<readonly [number, unknown]> {
  const { status, body } = await notifier.ask(method, `/api/push/nextcloud/${principal}`, who, {}, payload);
  return [status, body.code ?? body];
}

/** The same person with another credential. */
async function withCredential(who: Person, change: Partial<Person['credential']>): Promise<Person> {
  const credential = { ...credentialOf(who.principal.id), ...change };
  await world.platform.set(credential);
  return { ...who, credential };
}

test('one switches oneself on, as whom one is called here; another name is given by an administrator', async () => {
  const { admin, bob } = world;
  expect(await ask('GET', 'bob', bob)).toEqual([404, 'NOT_FOUND']);
  expect(await ask('PUT', 'bob', bob)).toEqual([200, { principal: 'bob', user: 'bob' }]);
  expect(await ask('PUT', 'bob', bob, {})).toEqual([200, { principal: 'bob', user: 'bob' }]);
  const other = { principal: 'bob', user: 'Bob R.@town' };
  expect(await ask('PUT', 'bob', bob, { user: 'Bob R.@town' })).toEqual([403, 'FORBIDDEN']);
  expect(await ask('PUT', 'bob', admin, { user: 'Bob R.@town' })).toEqual([200, other]);
  expect(await ask('GET', 'bob', bob)).toEqual([200, other]);
  expect(await ask('DELETE', 'bob', bob)).toEqual([204, '']);
  expect(await ask('DELETE', 'bob', bob)).toEqual([404, 'NOT_FOUND']);
});

test('an administrator switches on anybody, who need not have been here, and nobody who is not there', async () => {
  const { admin } = world;
  expect(await ask('PUT', 'carol', admin, { user: 'c' })).toEqual([200, { principal: 'carol', user: 'c' }]);
  expect(await ask('GET', 'carol', admin)).toEqual([200, { principal: 'carol', user: 'c' }]);
  expect(await ask('PUT', 'nobody', admin)).toEqual([404, 'NOT_FOUND']);
  expect(await ask('DELETE', 'carol', admin)).toEqual([204, '']);
});

test('to others a principal is not there, whether it is switched on or not', async () => {
  const { alice, bob } = world;
  await ask('PUT', 'alice', alice);
  for (const method of ['GET', 'PUT', 'DELETE']) {
    for (const principal of ['alice', 'carol', 'nobody']) {
      expect(await ask(method, principal, bob)).toEqual([404, 'NOT_FOUND']);
    }
    expect((await ask(method, 'alice'))[0]).toBe(401);
  }
  expect(await ask('GET', 'alice', alice)).toEqual([200, { principal: 'alice', user: 'alice' }]);
});

test('nobody becomes a user that somebody else is, nor a follower by trying', async () => {
  const { admin, bob } = world;
  await ask('PUT', 'alice', admin, { user: 'Shared' });
  expect(await ask('PUT', 'bob', admin, { user: 'Shared' })).toEqual([409, 'CONFLICT']);
  expect(await ask('PUT', 'bob', admin, { user: 'shared' })).toEqual([
    200,
    { principal: 'bob', user: 'shared' },
  ]);
  expect(await ask('PUT', 'bob', admin, { user: 'Shared' })).toEqual([409, 'CONFLICT']);
  expect(await ask('GET', 'bob', bob)).toEqual([200, { principal: 'bob', user: 'shared' }]);
});

const NO_USERS = [
  '',
  ' ',
  '.',
  '..',
  ' bob',
  'bob ',
  'bob\n',
  'bob/..',
  'b"ob',
  'böb',
  'b'.repeat(65),
  null,
  7,
];
const USERS = ['a', '...', "Bob O'R._-@", 'b'.repeat(64)];

test('takes for a user what a Nextcloud takes for one', async () => {
  const { admin, bob } = world;
  for (const user of NO_USERS) {
    expect(await ask('PUT', 'bob', admin, { user })).toEqual([400, 'VALIDATION_ERROR']);
  }
  expect(await ask('PUT', 'bob', bob, { uid: 'bob' })).toEqual([400, 'VALIDATION_ERROR']);
  expect(await ask('GET', 'bob', bob)).toEqual([404, 'NOT_FOUND']);
  for (const user of USERS) {
    expect(await ask('PUT', 'bob', admin, { user })).toEqual([200, { principal: 'bob', user }]);
  }
});

test('a limited credential switches nothing, and an access token nothing on', async () => {
  const scopes = { topics: ['register/zaken'] };
  const limited = await withCredential(world.alice, { id: LIMITED_CREDENTIAL, scopes });
  for (const method of ['GET', 'PUT', 'DELETE']) {
    expect(await ask(method, 'alice', limited)).toEqual([403, 'FORBIDDEN']);
  }
  const issued = await withCredential(world.alice, { type: 'access-token' });
  expect(await ask('PUT', 'alice', issued)).toEqual([403, 'FORBIDDEN']);
  await ask('PUT', 'alice', world.alice);
  expect((await ask('GET', 'alice', issued))[0]).toBe(200);
  expect((await ask('DELETE', 'alice', issued))[0]).toBe(204);
});

test('where no Redis is given nobody is, or can be, switched on', async () => {
  notifier = await world.notifier();
  for (const method of ['GET', 'PUT', 'DELETE']) {
    expect(await ask(method, 'bob', world.bob)).toEqual([404, 'NOT_FOUND']);
  }
});

test('who is switched on is not forgotten for not having been here', async () => {
  const { alice, bob } = world;
  await notifier.changes(alice);
  await ask('PUT', 'bob', bob);
  const pool = createPool({ databaseUrl: world.database.pushUrl, service: 'test', logger });
  await pool.query(`UPDATE push.followers SET seen_at = clock_timestamp() - interval '100 days'`);
  const clock = { setInterval: () => ({ cancel: () => undefined }) };
  await new IdleFollowers({ pool, clock, logger, days: 90 }).forget();
  const { rows } = await pool.query('SELECT principal FROM push.followers');
  await pool.end();
  expect(rows).toEqual([{ principal: 'bob' }]);
});

test('a principal that is removed is nobody there any more, and somebody else can be', async () => {
  const { alice, admin } = world;
  await ask('PUT', 'alice', admin, { user: 'shared' });
  await world.platform.change(alice.principal, { removed: true });
  await waitFor(async () => (await ask('GET', 'alice', admin))[0] === 404, { what: 'alice is nobody there' });
  expect(await ask('PUT', 'bob', admin, { user: 'shared' })).toEqual([
    200,
    { principal: 'bob', user: 'shared' },
  ]);
});
