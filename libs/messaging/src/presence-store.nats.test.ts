import { randomUUID } from 'node:crypto';
import { PRESENCE_BUCKET, SERVICE_PERMISSIONS, formatPresenceSubject } from '@tidewire/contract';
import type { PresenceEntry, PresenceSignal } from '@tidewire/contract';
import { startNats, waitFor } from '@tidewire/test-kit';
import type { TestNats } from '@tidewire/test-kit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BusUnavailableError } from './bus-error.ts';
import { silentLogger } from './logger.ts';
import { connectBus, linkOf } from './message-bus.ts';
import type { MessageBus } from './message-bus.ts';
import { openPresenceStore } from './presence-store.ts';
import type { PresenceStore } from './presence-store.ts';

const USER = 'fanout-gateway';
const PAGE = 'page-of_this-test';
let nats: TestNats;
let bus: MessageBus;
let store: PresenceStore;

beforeEach(async () => {
  const { publish, subscribe } = SERVICE_PERMISSIONS[USER];
  nats = await startNats({ users: { [USER]: { publish: [...publish], subscribe: [...subscribe] } } });
  bus = await connectBus({ url: nats.url, user: USER, logger: silentLogger });
  store = openPresenceStore(bus, { bucket: PRESENCE_BUCKET, ttlMs: 1000 });
  await store.ensure();
});

afterEach(async () => {
  await bus.close();
  await nats[Symbol.asyncDispose]();
});

function entry(id: string): PresenceEntry {
  const joinedAt = '2026-01-01T00:00:00.000Z';
  return { id, name: id, pagePath: '/page', joinedAt, connection: randomUUID(), gateway: 'gateway-a' };
}

test('entries are found by their page until they are taken away', async () => {
  const [ada, bob, other] = [entry('ada'), entry('bob'), entry('other')];
  for (const each of [ada, bob]) await store.put(PAGE, each);
  await store.put('another-page', other);
  expect((await store.list(PAGE)).toSorted()).toEqual([ada.connection, bob.connection].toSorted());
  expect((await store.read(PAGE, ada.connection))?.entry).toEqual(ada);
  expect(await store.remove(PAGE, ada.connection)).toBe(true);
  expect(await store.read(PAGE, ada.connection)).toBeUndefined();
  expect(await store.read(PAGE, randomUUID())).toBeUndefined();
});

test('an entry whose answer is lost is written once more', async () => {
  await using silent = await startNats();
  const server = await connectBus({ url: silent.url, user: USER, logger: silentLogger });
  const { connection } = linkOf(server);
  let asked = 0;
  connection.subscribe(`$KV.${PRESENCE_BUCKET}.>`, {
    callback: (_, message) => {
      asked += 1;
      if (asked > 1) message.respond(JSON.stringify({ stream: `KV_${PRESENCE_BUCKET}`, seq: asked }));
    },
  });
  await connection.flush();
  const other = await connectBus({ url: silent.url, user: USER, logger: silentLogger });
  await openPresenceStore(other, { bucket: PRESENCE_BUCKET, ttlMs: 1000 }).put(PAGE, entry('ada'));
  expect(asked).toBe(2);
  for (const each of [other, server]) await each.close();
});

test('an entry that nobody writes again vanishes by itself', async () => {
  await store.put(PAGE, entry('ada'));
  await waitFor(async () => (await store.list(PAGE)).length === 0, { what: 'the entry is gone' });
});

test('what was written again since it was read is not taken away', async () => {
  const [ada, bob] = [entry('ada'), entry('bob')];
  for (const each of [ada, bob]) await store.put(PAGE, each);
  const before = await store.read(PAGE, ada.connection);
  await store.put(PAGE, ada);
  expect(await store.remove(PAGE, ada.connection, before?.revision)).toBe(false);
  const after = await store.read(PAGE, ada.connection);
  expect(after?.revision).toBeGreaterThan((await store.read(PAGE, bob.connection))?.revision ?? Infinity);
  expect(await store.remove(PAGE, ada.connection, after?.revision)).toBe(true);
});

test('a signal comes to who listens to its page, and what is no signal to nobody', async () => {
  const heard: PresenceSignal[] = [];
  const off = store.onSignal(PAGE, (signal) => void heard.push(signal));
  const ada = entry('ada');
  const signals: PresenceSignal[] = [
    { change: 'join', entry: ada },
    { change: 'leave', connection: ada.connection },
  ];
  store.signal('another-page', { change: 'join', entry: ada });
  for (const wrong of [undefined, null, 'join', { change: 'join' }, { change: 'leave', connection: 'x' }]) {
    bus.signal(formatPresenceSubject(PAGE), wrong);
  }
  for (const signal of signals) store.signal(PAGE, signal);
  await waitFor(() => heard.length === 2, { what: 'both signals came' });
  expect(heard).toEqual(signals);
  off();
});

test('a bucket that NATS lost is made anew, and until then nothing is pretended', async () => {
  await nats.kill();
  await waitFor(() => !bus.connected, { what: 'the bus is cut off' });
  await expect(store.put(PAGE, entry('ada'))).rejects.toThrow(BusUnavailableError);
  await nats.restart();
  await waitFor(() => bus.connected, { what: 'the bus is back' });
  await expect(store.list(PAGE)).rejects.toThrow();
  const ada = entry('ada');
  await store.ensure();
  await store.ensure();
  await store.put(PAGE, ada);
  expect(await store.list(PAGE)).toEqual([ada.connection]);
});
