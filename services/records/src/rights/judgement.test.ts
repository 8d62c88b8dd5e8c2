import { TidewireError } from '@tidewire/contract';
import type { Credential } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { createTestClock } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { member, viewWith } from '../../test/rights.ts';
import type { RightsBarrier } from './barrier.ts';
import { Judgement } from './judgement.ts';

const position = (sequence: number): RightsBarrier['position'] => ({ epoch: '0abcdefg', sequence });
const current: RightsBarrier = { position: position(5), pending: false, store: 'first' };
const pending: RightsBarrier = { ...current, pending: true };
const credential: Credential = {
  kind: 'credential',
  id: '10000000-0000-4000-8000-0000000000cc',
  type: 'token',
  principal: 'alice',
  scopes: null,
  expiresAt: null,
  endedAt: null,
  version: 1,
};

/** A judgement over a feed that the test moves by hand. */
function setUp() {
  const clock = createTestClock();
  const view = viewWith({});
  const held = view.hold({ principal: member('alice'), credential, position: position(1) }, clock.now());
  if (!held.ok) throw new Error('not held');
  const feed = {
    view,
    changes: 1,
    applied: 5,
    advancing: true,
    store: 'first',
    canAdvance: () => feed.advancing,
    isOfStore: (store: string) => store === feed.store,
    reach: async (wanted: RightsBarrier['position'], limitMs: number) => {
      const reached = wanted.epoch === current.position.epoch && feed.applied >= wanted.sequence;
      if (!reached) clock.advance(limitMs);
      return reached;
    },
  };
  const separate: RightsBarrier[] = [];
  const judgement = new Judgement({
    feed,
    authenticator: {
      refresh: async (who) => ({ ...who, principal: feed.view.principal(who.principal.id) ?? who.principal }),
    },
    barriers: {
      readBarrier: async () => {
        separate.push(current);
        return current;
      },
    },
    clock: {
      ...clock,
      // What is waited for here passes at once.
      setTimeout: (run, delayMs) => {
        clock.advance(delayMs);
        run();
        return { cancel: () => undefined };
      },
    },
    waitMs: 1000,
  });
  return { judgement, feed, separate, who: { principal: held.principal, credential: held.credential } };
}

test('an answer stands when the snapshot holds no newer rights', async () => {
  const { judgement, who, separate } = setUp();
  let turns = 0;
  const answer = await judgement.judge(who, async (turn) => {
    turns += 1;
    await turn.confirm(current);
    return turn.principal?.id;
  });
  expect([answer, turns, separate.length]).toEqual(['alice', 1, 0]);
});

test('while newer rights are pending the request is judged again, until they are known', async () => {
  const { judgement, who } = setUp();
  const barriers = [pending, pending, current];
  const answer = await judgement.judge(who, async (turn) => {
    await turn.confirm(barriers.shift() ?? current);
    return barriers.length;
  });
  expect(answer).toBe(0);
});

test('is answered 503 with Retry-After when the newer rights do not come in time', async () => {
  const { judgement, who } = setUp();
  await expect(judgement.judge(who, (turn) => turn.confirm(pending))).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    retryAfterSeconds: 1,
  });
  const behind = { ...current, position: position(6) };
  await expect(judgement.judge(who, (turn) => turn.confirm(behind))).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
  });
});

test('a right that changes between judging and reading makes it judge again', async () => {
  const { judgement, feed, who } = setUp();
  const seen: number[] = [];
  await judgement.judge(who, async (turn) => {
    seen.push(feed.changes);
    if (seen.length === 1) feed.changes += 1;
    await turn.confirm(current);
  });
  expect(seen).toEqual([1, 2]);
});

test('a view that was loaded anew makes it judge again, by the new one', async () => {
  const { judgement, feed } = setUp();
  const views: RightsView[] = [];
  await judgement.judge(null, async (turn) => {
    views.push(turn.view);
    if (views.length === 1) feed.view = viewWith({});
    await turn.confirm(current);
  });
  expect(views).toHaveLength(2);
  expect(views[1]).toBe(feed.view);
});

test('a caller whose groups changed meanwhile is judged again', async () => {
  const { judgement, feed, who } = setUp();
  const groups: number[] = [];
  await judgement.judge(who, async (turn) => {
    groups.push(turn.principal?.groups.length ?? -1);
    if (groups.length === 1) {
      const state = { ...member('alice', ['managers']), version: 2 };
      const provenance = {
        time: '2026-01-01T00:00:00.000Z',
        actor: null,
        correlationId: null,
        traceparent: null,
      };
      feed.view.apply({ kind: 'rights', state, ...provenance }, 6);
    }
    await turn.confirm(current);
  });
  expect(groups).toEqual([0, 1]);
});

test('a refusal is held against a snapshot of its own: what is not found may have been made a moment ago', async () => {
  const { judgement, feed, separate, who } = setUp();
  let turns = 0;
  const answer = await judgement.judge(who, async () => {
    turns += 1;
    if (turns > 1) return 'found';
    feed.changes += 1;
    throw new TidewireError('NOT_FOUND', 'Not found.');
  });
  expect([answer, separate.length]).toEqual(['found', 2]);
  const refused = judgement.judge(who, async () => {
    throw new TidewireError('NOT_FOUND', 'Not found.');
  });
  await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('without bus and relay an answer stands as long as its snapshot holds no newer rights', async () => {
  const { judgement, feed, who } = setUp();
  feed.advancing = false;
  const answer = await judgement.judge(who, async (turn) => {
    await turn.confirm(current);
    return 'answered';
  });
  expect(answer).toBe('answered');
});

test.each([
  ['rights are pending', pending],
  ['the log is behind the snapshot', { ...current, position: position(6) }],
  [
    'the log is of another epoch than the snapshot',
    { ...current, position: { epoch: '0zzzzzzz', sequence: 1 } },
  ],
  ['the database is another one since then', { ...current, store: 'restored' }],
])('without bus and relay it is refused at once when %s', async (_, barrier) => {
  const { judgement, feed, who } = setUp();
  feed.advancing = false;
  let turns = 0;
  const answer = judgement.judge(who, async (turn) => {
    turns += 1;
    await turn.confirm(barrier);
  });
  await expect(answer).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
  expect(turns).toBe(1);
});

test('after the database became another one a request waits until the relay tells of that one', async () => {
  const { judgement, feed, who } = setUp();
  let turns = 0;
  await judgement.judge(who, async (turn) => {
    turns += 1;
    if (turns === 3) feed.store = 'restored';
    await turn.confirm({ ...current, store: 'restored' });
  });
  expect(turns).toBe(3);
});

test('a fault is not a refusal and passes through', async () => {
  const { judgement, separate, who } = setUp();
  const fault = new Error('broken');
  await expect(judgement.judge(who, () => Promise.reject(fault))).rejects.toBe(fault);
  expect(separate).toEqual([]);
});
