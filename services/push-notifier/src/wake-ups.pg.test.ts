import { PUSH_PATHS } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PushClient } from '../test/push-client.ts';
import { PushWorld } from '../test/world.ts';
import type { TestNotifier } from '../test/world.ts';

const MELDINGEN = 'register/zaken/schema/meldingen';

let world: PushWorld;
let notifier: TestNotifier;

beforeAll(async () => {
  world = await PushWorld.start();
  notifier = await world.notifier();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

test('who is connected is told what happened to an object, and never what is in it', async () => {
  using bob = await world.connect(notifier, world.bob);
  const row = await world.platform.created(world.row({ titel: 'Losse tegel' }));
  const body = { register: 'zaken', schema: 'meldingen', uuid: row.uuid };
  await waitFor(() => bob.of(`or-object-${row.uuid}`).length === 1, { what: 'the creation is told' });
  await world.platform.updated(row, { properties: { status: 'open', titel: 'Weer vast' } });
  await waitFor(() => bob.of(`or-object-${row.uuid}`).length === 2, { what: 'the change is told' });
  await world.platform.deleted({ ...row, version: 2 });
  await waitFor(() => bob.of(`or-object-${row.uuid}`).length === 3, { what: 'the deletion is told' });
  expect(bob.of(`or-object-${row.uuid}`)).toEqual([
    { action: 'create', ...body, version: '1' },
    { action: 'update', ...body, version: '2' },
    { action: 'delete', ...body, version: '3' },
  ]);
  // Changes of an object are no changes of its collection.
  expect(bob.of('or-collection-zaken-meldingen')).toMatchObject([{ action: 'create' }, { action: 'delete' }]);
  expect(bob.told.join('\n')).not.toMatch(/tegel|vast/);
});

test('a row that one may not read is told to nobody but those who may, and one that is lost is told as deleted', async () => {
  using alice = await world.connect(notifier, world.alice);
  using bob = await world.connect(notifier, world.bob);
  using carol = await world.connect(notifier, world.carol);
  const since = (await notifier.changes(world.carol)).lastEventId;
  const hidden = await world.platform.created(world.row({ status: 'intern' }));
  const shown = await world.platform.created(world.row());
  await waitFor(() => bob.of(`or-object-${shown.uuid}`).length === 1, { what: 'bob is told of his row' });
  await world.platform.updated(shown, { properties: { status: 'intern' } });
  await waitFor(() => bob.of(`or-object-${shown.uuid}`).length === 2, { what: 'bob is told of his loss' });
  await waitFor(() => alice.of(`or-object-${shown.uuid}`).length === 2, { what: 'alice is told of all' });
  expect(bob.of(`or-object-${shown.uuid}`)).toMatchObject([{ action: 'create' }, { action: 'delete' }]);
  expect(alice.of(`or-object-${shown.uuid}`)).toMatchObject([{ action: 'create' }, { action: 'update' }]);
  expect(alice.of(`or-object-${hidden.uuid}`)).toHaveLength(1);
  expect(bob.of(`or-object-${hidden.uuid}`)).toEqual([]);
  expect(await notifier.topicsSince(world.carol, since, world.platform.position)).toEqual([]);
  expect(carol.told).toEqual(['authenticated']);
});

test('who was away learns on the next contact what changed since, and nothing twice', async () => {
  const first = await notifier.changes(world.bob);
  await world.platform.created(world.row());
  const changed = world.platform.position;
  expect(await notifier.topicsSince(world.bob, first.lastEventId, changed)).toEqual([MELDINGEN]);
  const [change] = (await notifier.changes(world.bob, first.lastEventId)).changes;
  expect(change).toMatchObject({ topic: MELDINGEN, eventId: changed });
  await world.platform.created(world.row({ status: 'intern' }));
  const until = world.platform.position;
  expect(await notifier.topicsSince(world.bob, changed, until)).toEqual([]);
  const { lastEventId } = await notifier.changes(world.bob, changed);
  expect((await notifier.changes(world.bob, lastEventId)).changes).toEqual([]);
});

test('notifications are one for each topic, go when they are dealt with, and come anew with the next change', async () => {
  using alice = await world.connect(notifier, world.alice);
  await notifier.ask('DELETE', PUSH_PATHS.notifications, world.alice);
  for (let count = 0; count < 3; count += 1) await world.platform.created(world.row());
  await alice.untilTold('notify_notification');
  const [one, ...others] = await notifier.notifications(world.alice);
  expect([one?.object_id, others]).toEqual([MELDINGEN, []]);
  const { headers } = await notifier.ask('GET', PUSH_PATHS.notifications, world.alice);
  const etag = headers.get('etag') ?? '';
  const unchanged = await notifier.ask('GET', PUSH_PATHS.notifications, world.alice, {
    'if-none-match': etag,
  });
  expect([unchanged.status, unchanged.body]).toEqual([304, '']);
  const path = `${PUSH_PATHS.notifications}/${one?.notification_id}`;
  expect((await notifier.ask('GET', path, world.bob)).status).toBe(404);
  expect((await notifier.ask('DELETE', path, world.bob)).status).toBe(404);
  expect((await notifier.ask('GET', path, world.alice)).body.ocs.data).toMatchObject({
    app: 'tidewire',
    user: 'alice',
    object_id: MELDINGEN,
  });
  expect((await notifier.ask('DELETE', path, world.alice)).status).toBe(200);
  expect((await notifier.ask('DELETE', path, world.alice)).status).toBe(404);
  expect(await notifier.notifications(world.alice)).toEqual([]);
  await world.platform.created(world.row());
  const [next] = await waitFor(
    async () => {
      const found = await notifier.notifications(world.alice);
      return found.length > 0 && found;
    },
    { what: 'the next change is a notification' },
  );
  expect(next?.notification_id).not.toBe(one?.notification_id);
});

test('rights that are given or taken are something new for those who see something else by them, and for nobody else', async () => {
  using bob = await world.connect(notifier, world.bob);
  using carol = await world.connect(notifier, world.carol);
  const [ofBob, ofAlice, ofCarol] = await Promise.all(
    [world.bob, world.alice, world.carol].map(async (who) => (await notifier.changes(who)).lastEventId),
  );
  const narrowed = await world.platform.change(world.policy, {
    authorization: { read: [{ group: 'behandelaars' }] },
  });
  const position = world.platform.position;
  expect(await notifier.topicsSince(world.bob, ofBob ?? '', position)).toEqual([MELDINGEN]);
  await waitFor(() => bob.of('or-collection-zaken-meldingen').length > 0, { what: 'bob is told' });
  expect(bob.of('or-collection-zaken-meldingen')).toEqual([
    { action: 'batch', register: 'zaken', schema: 'meldingen' },
  ]);
  expect(await notifier.topicsSince(world.alice, ofAlice ?? '', position)).toEqual([]);
  expect(await notifier.topicsSince(world.carol, ofCarol ?? '', position)).toEqual([]);
  const unseen = await world.platform.created(world.row());
  expect(await notifier.topicsSince(world.bob, position, world.platform.position)).toEqual([]);
  expect(bob.of(`or-object-${unseen.uuid}`)).toEqual([]);
  await world.platform.change(narrowed, { authorization: world.policy.authorization });
  expect(await notifier.topicsSince(world.bob, position, world.platform.position)).toEqual([MELDINGEN]);
  expect(carol.told).toEqual(['authenticated']);
});

test('a credential that ends ends its sockets, at once', async () => {
  const who = world.alice;
  const credential = { ...who.credential, id: crypto.randomUUID() };
  await world.platform.set(credential);
  using alice = await world.connect(notifier, { ...who, credential });
  await world.platform.change(credential, { endedAt: new Date().toISOString() });
  await waitFor(() => alice.closed, { what: 'the socket is closed' });
  const told = alice.told.length;
  await world.platform.created(world.row());
  expect(alice.told.length).toBe(told);
});

test('an administrator’s reset closes every socket, and their clients are let in again', async () => {
  using bob = await world.connect(notifier, world.bob);
  expect((await notifier.ask('POST', PUSH_PATHS.reset, world.bob)).status).toBe(403);
  expect(bob.closed).toBe(false);
  expect((await notifier.ask('POST', PUSH_PATHS.reset, world.admin)).status).toBe(202);
  await waitFor(() => bob.closed, { what: 'the socket is closed' });
  using again = await world.connect(notifier, world.bob);
  expect(again.told).toEqual(['authenticated']);
});

test('who is refused is told why: wrong credentials are called so, and nothing else is', async () => {
  const told = async (...texts: readonly string[]): Promise<readonly string[]> => {
    using client = await PushClient.open(`${notifier.service.address ?? ''}${PUSH_PATHS.socket}`);
    for (const text of texts) client.send(text);
    await waitFor(() => client.closed, { what: 'the socket is closed', timeoutMs: 10_000 });
    return client.told;
  };
  const secret = world.platform.secretOf(world.bob.credential);
  expect(await told('bob', 'wrong')).toEqual(['err: Invalid credentials']);
  expect(await told('alice', secret)).toEqual(['err: Invalid credentials']);
  expect(await told('', 'QcGvnXbTwKZyLrHdMfJsPaUeIoCtRmVb')).toEqual(['err: Invalid credentials']);
  world.platform.authzAway = true;
  expect(await told('bob', `${secret}-of-another-one`)).toEqual([
    'err: Error while sending authentication request to nextcloud: try again later',
  ]);
  world.platform.authzAway = false;
});
