import type { FeedGroup } from '@tidewire/contract';
import { createLogger } from '@tidewire/service-kit';
import type { FeedGroupName, StoredFeedGroup } from '@tidewire/messaging';
import { createTestClock } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { GroupPlace } from './group-place.ts';

const NAME: FeedGroupName = { address: { principal: 'alice', credential: null }, group: 'import' };
const CLAIMED: FeedGroup = { follows: 'register/zaken', cursor: null, done: [], gateway: 'one' };

interface Write {
  readonly stored: StoredFeedGroup;
  /** Ends the write: with the revision, undefined where another one has written meanwhile, or an error. */
  readonly end: (outcome: number | undefined | Error) => void;
}

function setUp() {
  const clock = createTestClock();
  const ledger = { changes: 0, cursor: null as string | null, doneAhead: [] as string[] };
  const writes: Write[] = [];
  let lost = 0;
  const store = {
    write: (_name: FeedGroupName, stored: StoredFeedGroup) =>
      new Promise<number | undefined>((resolve, reject) => {
        writes.push({
          stored,
          end: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
        });
      }),
  };
  const place = new GroupPlace(
    { store, clock, logger: createLogger({ service: 'test', level: 'silent' }), instance: 'one' },
    { name: NAME, stored: { state: CLAIMED, revision: 7 }, ledger, onLost: () => (lost += 1) },
  );
  const settle = (cursor: string): void => {
    ledger.changes += 1;
    ledger.cursor = cursor;
    place.save();
  };
  /** Ends the newest write, and lets what follows from that happen. */
  const end = async (outcome: number | undefined | Error): Promise<void> => {
    writes.at(-1)?.end(outcome);
    await turn();
  };
  return { clock, ledger, writes, place, settle, end, lost: () => lost };
}

/** Lets promises that are settled be acted upon. */
const turn = (): Promise<void> => new Promise((wake) => setImmediate(wake));
const atGateway = (gateway: string | null, cursor: string) => ({ ...CLAIMED, gateway, cursor });

test('what has not become another place is not written', () => {
  const { clock, place, writes } = setUp();
  place.save();
  clock.advance(10_000);
  expect(writes).toEqual([]);
});

test('however often a place changes, it is written once within 100 ms, as it is then', async () => {
  const { clock, writes, settle, end } = setUp();
  for (const cursor of ['a', 'b', 'c']) settle(cursor);
  clock.advance(99);
  expect(writes).toEqual([]);
  settle('d');
  clock.advance(1);
  expect(writes.map(({ stored }) => stored)).toEqual([{ state: atGateway('one', 'd'), revision: 7 }]);
  await end(8);
  clock.advance(10_000);
  expect(writes).toHaveLength(1);
});

test('what changes while a place is written is written after it, onto the revision of that write', async () => {
  const { clock, writes, settle, end } = setUp();
  settle('a');
  clock.advance(100);
  settle('b');
  clock.advance(1000);
  expect(writes).toHaveLength(1);
  await end(8);
  clock.advance(100);
  expect(writes[1]?.stored).toEqual({ state: atGateway('one', 'b'), revision: 8 });
});

test('a write that fails is tried again, with what there is by then', async () => {
  const { clock, ledger, writes, settle, end } = setUp();
  settle('a');
  clock.advance(100);
  ledger.cursor = 'b';
  await end(new Error('NATS is away'));
  clock.advance(999);
  expect(writes).toHaveLength(1);
  clock.advance(1);
  expect(writes[1]?.stored).toEqual({ state: atGateway('one', 'b'), revision: 7 });
});

test('who leaves writes the place at once, and that nobody leads, and waits for that write', async () => {
  const { clock, place, writes, settle, end } = setUp();
  settle('a');
  let left = false;
  void place.leave().then(() => (left = true));
  await turn();
  expect(writes.map(({ stored }) => stored)).toEqual([{ state: atGateway(null, 'a'), revision: 7 }]);
  expect(left).toBe(false);
  clock.advance(10_000);
  await end(8);
  expect(left).toBe(true);
  expect(writes).toHaveLength(1);
});

test('who leaves during a write lets that end before the last one', async () => {
  const { clock, place, writes, settle, end } = setUp();
  settle('a');
  clock.advance(100);
  settle('b');
  const left = place.leave();
  await end(8);
  expect(writes[1]?.stored).toEqual({ state: atGateway(null, 'b'), revision: 8 });
  await end(9);
  await left;
  settle('c');
  clock.advance(10_000);
  expect(writes).toHaveLength(2);
});

test('a group that another gateway has taken over is left as that one wrote it', async () => {
  const { clock, place, writes, settle, end, lost } = setUp();
  settle('a');
  clock.advance(100);
  await end(undefined);
  expect(lost()).toBe(1);
  await place.leave();
  clock.advance(10_000);
  expect(writes).toHaveLength(1);
});

test('who leaves is held up by no write that fails', async () => {
  const { place, settle, end } = setUp();
  settle('a');
  const left = place.leave();
  await turn();
  await end(new Error('NATS is away'));
  await expect(left).resolves.toBeUndefined();
});
