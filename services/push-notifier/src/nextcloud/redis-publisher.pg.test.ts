import { createLogger } from '@tidewire/service-kit';
import { createTestClock, findRedisServer, waitFor } from '@tidewire/test-kit';
import type { TestClock } from '@tidewire/test-kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NextcloudRedis } from '../../test/nextcloud-world.ts';
import { RedisPublisher } from './redis-publisher.ts';

const body = { action: 'batch', register: 'zaken', schema: 'meldingen' } as const;
/** How long Redis may take to answer. */
const ANSWER_MS = 4000;
const noRedis = findRedisServer() === undefined;

describe.skipIf(noRedis)(`publishing${noRedis ? ' (skipped: there is no redis-server here)' : ''}`, () => {
  let redis: NextcloudRedis;
  let clock: TestClock;
  let lines: string[];
  /** How long it was to wait, each time that Redis could not be told. */
  let pauses: number[];
  let publisher: RedisPublisher;

  beforeEach(async () => {
    redis = await NextcloudRedis.start();
    clock = createTestClock();
    lines = [];
    pauses = [];
    publisher = create(redis.url);
  });
  afterEach(async () => {
    redis.server.thaw();
    await publisher.stop();
    await redis[Symbol.asyncDispose]();
  });

  function create(url: string): RedisPublisher {
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ service: 'test', level: 'debug', destination });
    const noting = {
      ...clock,
      setTimeout(run: () => void, delayMs: number) {
        if (delayMs !== ANSWER_MS) pauses.push(delayMs);
        return clock.setTimeout(run, delayMs);
      },
    };
    return new RedisPublisher({ url, clock: noting, logger, random: () => 1 });
  }

  const tell = (name: string): void => publisher.tell('alice', 'alice', { name, body });
  const names = (): readonly string[] =>
    redis.of('alice').flatMap((message) => (message as { message?: string }).message ?? []);
  const failures = (): number => lines.filter((line) => line.includes('cannot be told')).length;
  const untilFailed = async (): Promise<void> =>
    void (await waitFor(() => failures() > 0, { what: 'it says that Redis cannot be told' }));

  test('connects at once, and counts what is published', async () => {
    const before = await redis.connections();
    publisher.start();
    await waitFor(async () => (await redis.connections()) > before, { what: 'it is connected' });
    tell('a');
    publisher.notify('alice', 'alice');
    await redis.untilNotified('alice');
    expect(names()).toEqual(['a']);
    await waitFor(() => publisher.counters.published === 2, { what: 'both are counted' });
    expect(publisher.counters).toEqual({ published: 2, unheard: 0, dropped: 0 });
  });

  test('counts what nobody listened to', async () => {
    await redis.deafen();
    publisher.start();
    tell('a');
    await waitFor(() => publisher.counters.unheard === 1, { what: 'it is counted' });
    expect(publisher.counters).toEqual({ published: 1, unheard: 1, dropped: 0 });
  });

  test('tries a Redis that refuses more and more seldom, and says so once', async () => {
    publisher = create(redis.url.replace('marked', 'wrong'));
    const before = await redis.connections();
    publisher.start();
    const wanted = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
    for (const [index, pauseMs] of wanted.entries()) {
      await waitFor(() => pauses.length === index + 1, { what: `it is refused ${index + 1} times` });
      tell('a');
      clock.advance(pauseMs - 1);
      expect((await redis.connections()) - before).toBe(index + 1);
      clock.advance(1);
    }
    await waitFor(() => pauses.length > wanted.length, { what: 'it tries once more' });
    expect(pauses.slice(0, -1)).toEqual(wanted);
    expect(failures()).toBe(1);
    expect(publisher.counters.dropped).toBe(0);
  });

  test('a connection that broke is made again when there is something to say', async () => {
    publisher.start();
    tell('a');
    await waitFor(() => names().includes('a'), { what: 'it is told' });
    await redis.disconnect();
    tell('b');
    await waitFor(
      () => {
        clock.advance(100);
        return names().includes('b');
      },
      { what: 'it is told after that, too' },
    );
  });

  test('keeps ten thousand messages; of what is more, users are notified once', async () => {
    await redis.setPublisher('off');
    publisher.start();
    await untilFailed();
    for (let count = 0; count < 10_050; count += 1) tell(`n-${count}`);
    expect(publisher.counters.dropped).toBe(50);
    await redis.setPublisher('on');
    clock.advance(10_000);
    await waitFor(() => names().length === 10_000, { what: 'all are told', timeoutMs: 20_000 });
    expect(names()).toEqual(Array.from({ length: 10_000 }, (_, count) => `n-${count}`));
    expect(redis.notified('alice')).toBe(1);
  });

  test('a Redis that accepts connections and is silent is given up, also when it is told to stop', async () => {
    redis.server.freeze();
    publisher.start();
    tell('a');
    let stopped = false;
    void publisher.stop().then(() => (stopped = true));
    await waitFor(
      () => {
        clock.advance(ANSWER_MS);
        return stopped;
      },
      { what: 'it has stopped' },
    );
    expect(failures()).toBe(1);
  });

  test('an address that cannot be read is a trouble like others', async () => {
    publisher = create('redis://:%ff@127.0.0.1:1');
    publisher.start();
    await untilFailed();
  });
});
