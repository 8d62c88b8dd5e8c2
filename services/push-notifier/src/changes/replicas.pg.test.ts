import { createLogger, createPool } from '@tidewire/service-kit';
import { waitFor } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PushWorld } from '../../test/world.ts';

const MELDINGEN = 'register/zaken/schema/meldingen';
const silent = createLogger({ service: 'test', level: 'silent' });

let world: PushWorld;

beforeEach(async () => {
  world = await PushWorld.start();
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

test('of two notifiers that share the work each tells its own, and whoever was away asks any of them', async () => {
  const [one, other] = [await world.notifier(), await world.notifier()];
  using alice = await world.connect(one, world.alice);
  using bob = await world.connect(other, world.bob);
  const since = (await one.changes(world.bob)).lastEventId;
  const rows = Array.from({ length: 50 }, () => world.row());
  for (const row of rows) await world.platform.created(row);
  for (const client of [alice, bob]) {
    await waitFor(() => rows.every(({ uuid }) => client.of(`or-object-${uuid}`).length === 1), {
      what: 'every row is told',
    });
    await client.untilTold('notify_notification');
  }
  for (const notifier of [one, other]) {
    expect(await notifier.topicsSince(world.bob, since, world.platform.position)).toEqual([MELDINGEN]);
  }
  expect(new Set(alice.of('or-collection-zaken-meldingen')).size).toBe(50);
});

test('while authz is away nothing is dealt with, and nothing is passed over when it comes back', async () => {
  const notifier = await world.notifier();
  const since = (await notifier.changes(world.bob)).lastEventId;
  world.platform.authzAway = true;
  // Somebody is a follower by now of whom this notifier knows nothing.
  const pool = createPool({ databaseUrl: world.database.pushUrl, service: 'test', logger: silent });
  await pool.query(`INSERT INTO push.followers (principal) VALUES ('alice')`);
  await pool.query('UPDATE push.follower_set SET version = version + 1');
  await pool.end();
  await world.platform.created(world.row());
  const until = world.platform.position;
  await waitFor(() => notifier.logLines.some((line) => line.includes('could not be written down')), {
    what: 'it says that it cannot go on',
  });
  expect((await notifier.changes(world.bob, since)).changes).toEqual([]);
  world.platform.authzAway = false;
  expect(await notifier.topicsSince(world.bob, since, until)).toEqual([MELDINGEN]);
  expect(await notifier.topicsSince(world.alice, since, until)).toEqual([MELDINGEN]);
});

test('what happened while no notifier ran is found by the next one', async () => {
  const before = await world.notifier();
  const since = (await before.changes(world.bob)).lastEventId;
  await world.stop(before);
  await world.platform.created(world.row());
  const after = await world.notifier();
  expect(await after.topicsSince(world.bob, since, world.platform.position)).toEqual([MELDINGEN]);
});

test('rights that were changed while no notifier ran are something new for those who see something else', async () => {
  const before = await world.notifier();
  const since = (await before.changes(world.bob)).lastEventId;
  await before.changes(world.alice);
  await before.topicsSince(world.bob, since, world.platform.position);
  await world.stop(before);
  await world.platform.change(world.policy, { authorization: { read: [{ group: 'behandelaars' }] } });
  const after = await world.notifier();
  const until = world.platform.position;
  expect(await after.topicsSince(world.bob, since, until)).toEqual([MELDINGEN]);
  expect(await after.topicsSince(world.alice, since, until)).toEqual([]);
});

test('who comes back from before what the log still holds is told to fetch everything, and so is everybody who is connected', async () => {
  const before = await world.notifier();
  const since = (await before.changes(world.bob)).lastEventId;
  await world.stop(before);
  for (let count = 0; count < 5; count += 1) await world.platform.created(world.row());
  await world.platform.forget(1);
  const after = await world.notifier();
  const answer = await waitFor(
    async () => {
      const found = await after.changes(world.bob, since);
      return found.resync && found;
    },
    { what: 'it is known that something was lost' },
  );
  expect(answer.lastEventId >= world.platform.position).toBe(true);
  expect(await after.changes(world.bob, answer.lastEventId)).toMatchObject({ changes: [], resync: false });
});

test('another log means to fetch everything, once', async () => {
  const notifier = await world.notifier();
  using bob = await world.connect(notifier, world.bob);
  const since = (await notifier.changes(world.bob)).lastEventId;
  await world.platform.startEpoch();
  await waitFor(() => bob.closed, { what: 'the socket of the old log is closed' });
  const answer = await waitFor(
    async () => {
      const found = await notifier.changes(world.bob, since).catch(() => undefined);
      return found?.resync === true && found.lastEventId.startsWith(`evt-${world.platform.epoch}`) && found;
    },
    { what: 'the new log is known', timeoutMs: 20_000 },
  );
  await world.platform.created(world.row());
  expect(await notifier.topicsSince(world.bob, answer.lastEventId, world.platform.position)).toEqual([
    MELDINGEN,
  ]);
});

test('a principal that is removed leaves nothing behind', async () => {
  const notifier = await world.notifier();
  const since = (await notifier.changes(world.bob)).lastEventId;
  await world.platform.created(world.row());
  await notifier.topicsSince(world.bob, since, world.platform.position);
  await world.platform.change(world.bob.principal, { removed: true });
  const pool = createPool({ databaseUrl: world.database.pushUrl, service: 'test', logger: silent });
  await waitFor(
    async () => {
      const { rows } = await pool.query(
        `SELECT FROM push.followers WHERE principal = 'bob' UNION ALL SELECT FROM push.changes WHERE principal = 'bob'`,
      );
      return rows.length === 0;
    },
    { what: 'nothing of bob is kept' },
  );
  await pool.end();
});
