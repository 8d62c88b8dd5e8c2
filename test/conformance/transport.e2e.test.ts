import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHANGE_CLAIMS } from './transport-change-claims.ts';
import { whySkipped } from './transport-claim.ts';
import { CONNECTION_CLAIMS } from './transport-connection-claims.ts';
import { TRANSPORTS } from './transport-list.ts';
import { MESSAGE_CLAIMS } from './transport-message-claims.ts';
import { CLIENT_MESSAGE_NAMES, OTHER_DOCUMENTS, SERVER_MESSAGES } from './transport-messages.ts';
import { SEVERAL_CLAIMS } from './transport-several-claims.ts';
import { Stage, toldOf, untilTold } from './transport-stage.ts';
import type { Transport } from './transport.ts';

const CLAIMS = [...CHANGE_CLAIMS, ...CONNECTION_CLAIMS, ...SEVERAL_CLAIMS, ...MESSAGE_CLAIMS];

let platform: Platform;
const stages = new Map<Transport, Stage>();

beforeAll(async () => {
  platform = await startPlatform({
    gateways: 2,
    settings: {
      TIDEWIRE_SSE_HEARTBEAT_MS: '300',
      TIDEWIRE_DRAIN_MS: '300',
      TIDEWIRE_STALENESS_LIMIT_MS: '4000',
    },
  });
  await Promise.all(
    TRANSPORTS.map(async (transport) => {
      stages.set(transport, await Stage.build(platform, transport));
    }),
  );
});

afterAll(() => platform[Symbol.asyncDispose]());

function stageOf(transport: Transport): Stage {
  const stage = stages.get(transport);
  if (stage === undefined) throw new Error(`${transport.name} has no stage`);
  return stage;
}

// Each transport has a town of its own, so that all of them are asked at once; the claims of one follow each other.
describe.for(TRANSPORTS.map((each) => [each.name, each] as const))(
  '%s',
  { concurrent: true },
  ([, transport]) => {
    const asked = CLAIMS.filter((claim) => whySkipped(claim, transport) === undefined);
    test.for(asked.map((each) => [each.name, each] as const))(
      '%s',
      { concurrent: false },
      async ([, claim]) => {
        const stage = stageOf(transport);
        await claim.hold(stage);
        expect(stage.check.faults).toEqual([]);
      },
    );
  },
);

const streams = TRANSPORTS.filter(({ kind }) => kind === 'stream');

test('while rights cannot be confirmed clients are told so, and what was changed meanwhile comes afterwards', async () => {
  const followers = await Promise.all(TRANSPORTS.map((each) => stageOf(each).follow()));
  const withWords = followers.filter(({ account }) => account.subscribed !== undefined);
  expect(withWords).toHaveLength(7);
  await platform.kill('relay');
  await waitFor(() => withWords.every(({ account }) => account.statuses.length > 0), {
    what: 'it is told that delivery is held',
    timeoutMs: 20_000,
  });
  const ids = await Promise.all(
    TRANSPORTS.map((each) => stageOf(each).create({ titel: 'held', status: 'nieuw' })),
  );
  await platform.restart('relay', 'SIGKILL');
  await waitFor(() => followers.every((each, index) => toldOf(each, ids[index] ?? '').length === 1), {
    what: 'everybody is told of what was made',
    timeoutMs: 20_000,
  });
  await waitFor(() => withWords.every(({ account }) => account.statuses.length > 1), {
    what: 'it is told that delivery goes on',
  });
  for (const { account } of withWords) expect(account.statuses).toEqual(['reconnecting', 'connected']);
  for (const follower of followers) {
    expect(follower.account).toMatchObject({ live: true, resyncs: [] });
    follower[Symbol.dispose]();
  }
});

test('a gateway that stops sends everybody to the other one, where all of it goes on', async () => {
  const followers = await Promise.all(
    streams.map(async (transport) => {
      const stage = stageOf(transport);
      const follower = await stage.follow();
      const id = await stage.create({ titel: 'before', status: 'nieuw' });
      await untilTold(follower, 1, id);
      return { transport, stage, follower, id };
    }),
  );
  const restart = platform.restart('fanout-gateway-1', 'SIGTERM');
  for (const { transport, stage, follower, id } of followers) {
    // Which gateway a feed is with is not its client's to say: it may be the one that stays, and then it goes on.
    if (transport.asksAgain === true) await restart;
    else await waitFor(() => follower.account.end, { what: 'it ends', timeoutMs: 10_000 });
    const { end } = follower.account;
    if (end !== undefined) {
      const code = transport.tellsWhyToComeBack ? 'DRAINING' : undefined;
      expect(end).toMatchObject({ code, reconnect: true });
      expect(end.closeCode).toBe(transport.closeCodeOf?.('DRAINING'));
    }
    // One that goes on is told of the change as well, and its cursor moves past it.
    const { cursor } = follower.account;
    await stage.change(id, { titel: 'after' });
    using again = await stage.follow({ gateway: 1, cursor });
    expect(await untilTold(again, 1, id)).toMatchObject([{ event: 'update', fields: { titel: 'after' } }]);
  }
  await restart;
  const wordless = streams.filter(({ tellsWhyToComeBack }) => !tellsWhyToComeBack);
  expect(wordless.map(({ name }) => name)).toEqual(['GraphQL over SSE', 'GraphQL over a shared SSE stream']);
});

test('so many claims are not asked of a transport, each for its reason', () => {
  const skipped = TRANSPORTS.map((transport) => {
    const counts: Record<string, number> = {};
    for (const claim of CLAIMS) {
      const why = whySkipped(claim, transport);
      if (why !== undefined) counts[why] = (counts[why] ?? 0) + 1;
    }
    return [transport.name, counts];
  });
  process.stdout.write(
    `${CLAIMS.length} claims; not asked: ${JSON.stringify(Object.fromEntries(skipped))}\n`,
  );
  expect(skipped).toEqual([
    ['a table by long polls', { 'is no stream': 13 }],
    ['a topic by long polls', { 'is no stream': 13, 'is of no table': 1 }],
    ['a table over a WebSocket of its own', {}],
    ['a table over the shared WebSocket', {}],
    [
      'a table by a feed on NATS',
      {
        'has one subscription': 4,
        'cannot send frames': 3,
        'has no close codes': 1,
        'does not say when its credential ends': 1,
      },
    ],
    [
      'a topic by a feed on NATS',
      {
        'is of no table': 4,
        'has one subscription': 4,
        'cannot send frames': 3,
        'has no close codes': 1,
        'does not say when its credential ends': 1,
      },
    ],
    ['a table over SSE', { 'has one subscription': 4, 'cannot send frames': 3, 'has no close codes': 1 }],
    ['a table over SSE with several subscriptions', { 'cannot send frames': 3, 'has no close codes': 1 }],
    [
      'GraphQL over SSE',
      {
        'is of no table': 4,
        'has one subscription': 4,
        'cannot send frames': 3,
        'has no close codes': 1,
        'tells nothing of before': 1,
        'shows the names of all fields': 1,
      },
    ],
    [
      'GraphQL over a shared SSE stream',
      {
        'is of no table': 4,
        'cannot send frames': 3,
        'has no close codes': 1,
        'tells nothing of before': 1,
        'shows the names of all fields': 1,
      },
    ],
    [
      'GraphQL over WebSocket',
      {
        'is of no table': 4,
        'cannot send frames': 3,
        'tells nothing of before': 1,
        'shows the names of all fields': 1,
      },
    ],
    ['a topic over the shared WebSocket', { 'is of no table': 4 }],
    [
      'a topic over SSE',
      { 'is of no table': 4, 'has one subscription': 4, 'cannot send frames': 3, 'has no close codes': 1 },
    ],
  ]);
});

test('every kind of message was sent, and each was as its published schema says', () => {
  const checks = [...stages.values()].map(({ check }) => check);
  expect(checks.flatMap(({ faults }) => faults)).toEqual([]);
  const seen = new Set(checks.flatMap((check) => [...check.seen]));
  const kinds = [...SERVER_MESSAGES.values(), ...CLIENT_MESSAGE_NAMES, ...OTHER_DOCUMENTS];
  expect([...seen].toSorted()).toEqual(kinds.toSorted());
});
