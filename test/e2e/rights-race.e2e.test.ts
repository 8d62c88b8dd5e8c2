import { EventSource } from 'eventsource';
import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FeedFollower } from '../support/feed-follower.ts';
import { buildTown } from '../support/town.ts';
import type { Town } from '../support/town.ts';

/** A short run in every `npm test`; the long one sets 10000. */
const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 150);
const OPEN = { read: ['authenticated'], create: ['authenticated'], update: ['authenticated'] };
const CLOSED = { ...OPEN, read: ['behandelaars'] };

let platform: Platform;
let town: Town;

beforeAll(async () => {
  platform = await startPlatform({ gateways: 2 });
  town = await buildTown(platform.origin, platform.adminToken);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

/** Stops and continues a gateway at random until told to end, so that it is behind at unpredictable moments. */
async function pauseAtRandom(pid: number, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await rest(Math.random() * 60);
    process.kill(pid, 'SIGSTOP');
    await rest(Math.random() * 40);
    process.kill(pid, 'SIGCONT');
  }
}

async function rest(ms: number): Promise<void> {
  await new Promise((wake) => {
    setTimeout(wake, ms);
  });
}

/** A stream that is read to the end of the test: after a `resync` it goes on where the server says. */
interface Reading {
  readonly source: EventSource;
  readonly texts: string[];
  resyncs: number;
}

function read(gateway: number, token: string): Reading {
  const [register] = town.collection.split('/');
  const base = platform.gateways[gateway]?.url ?? '';
  const source = new EventSource(`${base}/api/realtime/subscribe?topic=register/${register}&token=${token}`);
  const reading: Reading = { source, texts: [], resyncs: 0 };
  for (const name of ['object.created', 'object.updated', 'object.deleted']) {
    source.addEventListener(name, (message) => reading.texts.push(String(message.data)));
  }
  source.addEventListener('resync', () => {
    reading.resyncs += 1;
  });
  return reading;
}

async function writeRounds(): Promise<void> {
  const path = `/api/objects/${town.collection}`;
  const policy = `/api/policies/schema/${town.schemaId}`;
  const writer = town.as('alice');
  for (let round = 0; round < ROUNDS; round += 1) {
    await town.admin.send('PUT', policy, { authorization: CLOSED });
    const hidden = await writer.send<{ id: string }>('POST', path, { titel: `closed-${round}` });
    await town.admin.send('PUT', policy, { authorization: OPEN });
    const shown = await writer.send<{ id: string }>('POST', path, { titel: `open-${round}` });
    // What is left behind would make every later round dearer.
    await writer.send('DELETE', `${path}/${hidden.id}`);
    await writer.send('DELETE', `${path}/${shown.id}`);
  }
  await writer.send('POST', path, { titel: 'last' });
}

test(`a rule that was tightened just before a write governs that write, ${ROUNDS} times`, async () => {
  const bob = read(0, town.tokens.bob);
  const alice = read(1, town.tokens.alice);
  // By either gateway, and by both of them one after the other.
  await using feed = await FeedFollower.open({
    origin: platform.origin,
    servers: platform.natsServer,
    token: town.tokens.bob,
    topics: [`register/${town.collection.split('/')[0] ?? ''}`],
  });
  const ended = new AbortController();
  try {
    await waitFor(() => [alice, bob].every(({ source }) => source.readyState === EventSource.OPEN), {
      what: 'streams open',
    });
    const pausing = pauseAtRandom(platform.gateways[0]?.pid ?? 0, ended.signal);
    await writeRounds().finally(() => ended.abort());
    await pausing;
    await waitFor(() => [alice, bob].every(({ texts }) => texts.some((text) => text.includes('"last"'))), {
      what: 'both readers have the last row',
      timeoutMs: 60_000,
    });
    await waitFor(() => feed.events.some(({ data }) => data.object?.['titel'] === 'last'), {
      what: 'the feed has the last row',
      timeoutMs: 60_000,
    });
  } finally {
    alice.source.close();
    bob.source.close();
  }
  const counts = (texts: readonly string[], word: string): number =>
    texts.filter((text) => text.includes(`"${word}-`)).length;
  expect(counts(bob.texts, 'closed')).toBe(0);
  expect(counts(bob.texts, 'open')).toBeGreaterThan(ROUNDS / 2);
  expect(counts(alice.texts, 'closed')).toBe(ROUNDS);
  expect(bob.resyncs).toBeGreaterThan(0);
  const fed = feed.events.map((event) => JSON.stringify(event));
  expect(counts(fed, 'closed')).toBe(0);
  expect(counts(fed, 'open')).toBeGreaterThan(ROUNDS / 2);
  expect(feed.resyncs.length).toBeGreaterThan(0);
}, 3_600_000);
