import { randomUUID } from 'node:crypto';
import { PUSH_PATHS } from '@tidewire/contract';
import type { PushChanges } from '@tidewire/contract';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { createApi } from '../support/api.ts';
import { createCrowd, forEachAtOnce } from '../support/crowd.ts';
import type { Citizen } from '../support/crowd.ts';
import { PushClient, TextNumbers } from '../support/push-client.ts';
import { writeVersions } from '../support/version-writer.ts';

const USERS = Number(process.env['TIDEWIRE_TEST_USERS'] ?? 1000);
const EVENTS = Number(process.env['TIDEWIRE_TEST_WRITES'] ?? 10_000);
const CONNECTED = Math.min(60, USERS);
const WRITERS = 4;
const ROWS_EACH = 50;
const EVENTS_PER_SECOND = 200;
const REQUESTS_AT_ONCE = 8;
/** PROTOCOL.md 8.2, with every socket at one notifier, the largest share of the interval, and 100 ms. */
const REMINDER_MS = Math.min(Math.max(CONNECTED / 10, 1), 15) * 1500 + 100;
/** For a machine that is busy with something else: what was given to the killed one comes again after 30 s. */
const PATIENCE_MS = 90_000;

/** What the machine may be late with. */
const REMINDER_SLACK_MS = 30_000;

interface World {
  readonly platform: Platform;
  readonly collection: { readonly register: string; readonly schema: string };
  readonly topic: string;
  readonly table: string;
  readonly citizens: readonly Citizen[];
}

/** A third of them may not read the collection. */
const mayRead = (index: number): boolean => index % 3 !== 2;

async function buildWorld(platform: Platform): Promise<World> {
  const admin = createApi(platform.origin, platform.adminToken);
  const organisation = randomUUID();
  await admin.send('POST', '/api/organisations', { id: organisation, slug: 'town', name: 'Town' });
  await admin.send('POST', '/api/registers', { slug: 'reports', title: 'Reports' });
  const rules = { read: ['readers'], create: ['readers'], update: ['readers'] };
  const { table } = await admin.send<{ table: string }>('POST', '/api/schemas', {
    register: 'reports',
    slug: 'potholes',
    title: 'Potholes',
    authorization: rules,
    properties: { title: { type: 'string' } },
  });
  const groupsOf = (index: number): readonly string[] => (mayRead(index) ? ['readers'] : []);
  const citizens = await createCrowd(platform, { organisation, count: USERS, groupsOf });
  const collection = { register: 'reports', schema: 'potholes' };
  return { platform, collection, topic: 'register/reports/schema/potholes', table, citizens };
}

/** What each has to say when it asks what changed; everybody who asked is followed. */
async function askAll(
  citizens: readonly Citizen[],
  since?: readonly PushChanges[],
): Promise<readonly PushChanges[]> {
  const answers: PushChanges[] = [];
  await forEachAtOnce(citizens.entries(), REQUESTS_AT_ONCE, async ([index, { api }]) => {
    const position = since?.[index]?.lastEventId;
    const query = position === undefined ? '' : `?since=${position}`;
    answers[index] = await api.send<PushChanges>('GET', `${PUSH_PATHS.changes}${query}`);
  });
  return answers;
}

/** Waits until everybody who may read finds the same newest change, and sees that nobody finds anything else. */
async function expectFound(
  { citizens, topic }: World,
  since: readonly PushChanges[],
): Promise<readonly PushChanges[]> {
  const answers = await waitFor(
    async () => {
      const found = await askAll(citizens, since);
      const newest = found.filter((_, index) => mayRead(index)).map(({ changes }) => changes[0]?.eventId);
      return newest.every((eventId) => eventId !== undefined && eventId === newest[0]) && found;
    },
    { what: 'everybody finds the newest change', timeoutMs: PATIENCE_MS },
  );
  for (const [index, { changes, resync, more }] of answers.entries()) {
    const topics = changes.map((change) => change.topic);
    const wanted = mayRead(index) ? [topic] : [];
    expect({ topics, resync, more }, `citizen ${index}`).toEqual({
      topics: wanted,
      resync: false,
      more: false,
    });
  }
  return answers;
}

/** Everybody asks from where it was, until there is nothing: changes are listed again until all before them is dealt with. */
async function askUntilQuiet(
  citizens: readonly Citizen[],
  since: readonly PushChanges[],
): Promise<readonly PushChanges[]> {
  let last = since;
  return await waitFor(
    async () => {
      last = await askAll(citizens, last);
      return last.every(({ changes }) => changes.length === 0) && last;
    },
    { what: 'there is nothing new', timeoutMs: PATIENCE_MS },
  );
}

function print(what: string, figure: string | number): void {
  process.stdout.write(`push: ${what.padEnd(56)} ${figure}\n`);
}

const secondsSince = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;

function spread(figures: readonly number[]): string {
  const sorted = figures.map((figure) => Math.round(figure)).toSorted((a, b) => a - b);
  return `${sorted[0]} to ${sorted.at(-1)}, median ${sorted[Math.floor(sorted.length / 2)]}`;
}

/** Where the numbers of a client's connection are in the order of the log; fails unless one follows the other, once each. */
function placesOf(told: readonly number[], place: ReadonlyMap<number, number>): readonly number[] {
  const places = told.map((number) => place.get(number) ?? -1);
  for (const [index, found] of places.entries()) {
    if (index > 0)
      expect(found, 'each event once, in the order of the log').toBe((places[index - 1] ?? 0) + 1);
  }
  return places;
}

async function connectAll({ platform, citizens }: World, clients: readonly PushClient[]): Promise<void> {
  const urls = platform.notifiers.map(({ url }) => url);
  await forEachAtOnce(clients.entries(), REQUESTS_AT_ONCE, async ([index, client]) => {
    // Whose notifier dies goes to the other one.
    await client.connect(urls[index % 2] ?? '', () => urls[1] ?? '');
  });
  expect(citizens.length).toBe(USERS);
}

/** Reminders come after the last event, within what is said, to those who may read, and to nobody else. */
async function expectReminders(clients: readonly PushClient[]): Promise<void> {
  const readers = clients.filter((_, index) => mayRead(index));
  await waitFor(() => readers.every((client) => client.lastReminderAt > client.lastObjectAt), {
    what: 'everybody who is connected is reminded',
    timeoutMs: REMINDER_MS + REMINDER_SLACK_MS,
  });
  print('last event to its reminder, ms', spread(readers.map((c) => c.lastReminderAt - c.lastObjectAt)));
  for (const client of clients.filter((_, index) => !mayRead(index))) expect(client.texts).toBe(0);
}

async function writeAll({ collection, table, citizens }: World, onWritten: (count: number) => void) {
  const writers = citizens.filter((_, index) => mayRead(index)).slice(0, WRITERS);
  const written = await Promise.all(
    writers.map(({ api }) =>
      writeVersions({
        api,
        table,
        collection,
        rows: ROWS_EACH,
        versions: EVENTS / WRITERS / ROWS_EACH,
        rate: EVENTS_PER_SECOND / WRITERS,
        onWritten,
      }),
    ),
  );
  return written.flat();
}

test(`a notifier is killed while ${EVENTS} events are written for ${USERS} people, and nobody misses or dreams anything`, async () => {
  await using platform = await startPlatform({ notifiers: 2 });
  const [victim, survivor] = platform.notifiers;
  if (victim === undefined || survivor === undefined) throw new Error('two notifiers are needed');
  let began = performance.now();
  const world = await buildWorld(platform);
  const { citizens } = world;
  print('principals and tokens made', `${USERS} in ${secondsSince(began)}`);
  began = performance.now();
  const before = await askAll(citizens);
  print('all of them asked, and are followed', secondsSince(began));
  const numbers = new TextNumbers();
  using stack = new DisposableStack();
  const clients = citizens.slice(0, CONNECTED).map((citizen) => stack.use(new PushClient(citizen, numbers)));
  await connectAll(world, clients);

  began = performance.now();
  let written = 0;
  const writing = writeAll(world, (count) => (written += count));
  await waitFor(() => written > EVENTS * 0.3, { what: 'a third is written', timeoutMs: 600_000 });
  const orphans = clients.filter((_, index) => index % 2 === 0);
  const positions = await askAll(orphans.map(({ citizen }) => citizen));
  const killedAt = performance.now();
  await platform.kill(victim.name);
  await waitFor(() => orphans.every(({ connections }) => connections.length === 2), {
    what: 'everybody is connected to the other one',
    timeoutMs: PATIENCE_MS,
  });
  print('killed after', `${written} events`);
  print('connected again after the kill, ms', spread(orphans.map(({ openedAt }) => openedAt - killedAt)));
  const missed = await waitFor(
    async () => {
      const found = await askAll(
        orphans.map(({ citizen }) => citizen),
        positions,
      );
      return found.every(({ changes }, index) => changes.length > 0 || !mayRead(index * 2)) && found;
    },
    { what: 'who was cut off finds that it missed something', timeoutMs: PATIENCE_MS },
  );
  expect(missed.flatMap(({ changes }, index) => (mayRead(index * 2) ? [] : changes))).toEqual([]);
  const texts = await writing;
  print('written', `${texts.length} events in ${secondsSince(began)}`);

  began = performance.now();
  const wanted = texts.map((text) => numbers.of(text));
  const steady = clients.filter((_, index) => mayRead(index) && index % 2 === 1);
  await waitFor(() => steady.every(({ connections }) => (connections[0]?.length ?? 0) >= wanted.length), {
    what: 'who was connected all the time has heard of everything',
    timeoutMs: PATIENCE_MS,
  });
  print('all heard after the last write', secondsSince(began));
  const order = steady[0]?.connections[0] ?? [];
  expect(order.toSorted((a, b) => a - b)).toEqual(wanted.toSorted((a, b) => a - b));
  const place = new Map(order.map((number, index) => [number, index]));
  for (const { connections } of steady) expect(connections).toEqual([order]);
  const last = order.length - 1;
  const cut = orphans.filter((_, index) => mayRead(index * 2));
  await waitFor(() => cut.every(({ connections }) => connections[1]?.at(-1) === order[last]), {
    what: 'who came back has heard of the last event',
    timeoutMs: PATIENCE_MS,
  });
  const gaps = cut.map(({ connections: [first = [], second = []] }) => {
    const [head, tail] = [placesOf(first, place), placesOf(second, place)];
    expect([head[0], tail.at(-1)]).toEqual([0, last]);
    return (tail[0] ?? 0) - head.length;
  });
  print('events between two connections (missed; below 0: heard twice)', spread(gaps));

  await expectReminders(clients);
  began = performance.now();
  const found = await expectFound(world, before);
  print('all found in changes', secondsSince(began));
  const again = await askAll(citizens, found);
  print('listed once more', again.filter(({ changes }) => changes.length > 0).length);
  for (const [index, { changes }] of again.entries()) {
    if (!mayRead(index)) expect(changes).toEqual([]);
  }

  began = performance.now();
  await platform.restart(victim.name, 'SIGKILL');
  print('restarted', secondsSince(began));
  await forEachAtOnce(orphans, REQUESTS_AT_ONCE, (client) => client.move(victim.url));
  const rest = await askUntilQuiet(citizens, again);
  print('nothing is listed any more after', secondsSince(began));
  const heard = clients.map(({ connections }) => connections.at(-1)?.length ?? 0);
  const [writer] = citizens;
  await writer?.api.send('POST', '/api/objects/reports/potholes', { title: 'one more' });
  await expectFound(world, rest);
  await expectReminders(clients);
  const more = clients.map(
    ({ connections }, index) => (connections.at(-1)?.length ?? 0) - (heard[index] ?? 0),
  );
  expect(more).toEqual(clients.map((_, index) => (mayRead(index) ? 1 : 0)));
});
