import { TidewireError } from '@tidewire/contract';
import type { ErrorCode, StreamMessage } from '@tidewire/contract';
import { createLogger } from '@tidewire/service-kit';
import { expect, test } from 'vitest';
import type { LanesOptions } from './lanes.ts';
import { beginSeveral } from './several-subscriptions.ts';
import type { BegunStream } from './several-subscriptions.ts';

/** Begins as many subscriptions as there are outcomes: `ok`, `gone` (the client goes meanwhile), or what it is refused with. */
async function begin(...outcomes: readonly ('ok' | 'gone' | ErrorCode)[]) {
  const notes: string[] = [];
  const told: StreamMessage[] = [];
  const lanes = new Set<object>();
  let asked = 0;
  const peer = {
    id: 'host',
    open: true,
    tell: (message: StreamMessage) => told.push(message),
    end: (code: string, reason: string) => notes.push(`${code}: ${reason}`),
  };
  const options = {
    opener: {
      find: ({ from }: { from: string }) => ({ table: from, topics: [] }),
      openLane: async () => {
        const outcome = outcomes[asked];
        asked += 1;
        if (outcome === 'gone') peer.open = false;
        else if (outcome === 'ok') lanes.add({});
        else if (outcome !== undefined) throw new TidewireError(outcome, 'not now');
      },
    },
    keeper: {
      drop: () => notes.push('drop'),
      end: (_host: unknown, code: string) => notes.push(`end ${code}`),
    },
    maxSubscriptions: 100,
    logger: createLogger({ service: 'test', level: 'silent' }),
  } as unknown as LanesOptions;
  const host = { id: 'host', lanes, transport: 'sse' };
  const handshakes = outcomes.map((_, index) => ({ table: `t${index}` }));
  await beginSeveral(options, { host, peer } as unknown as BegunStream, handshakes);
  return { notes, asked, told: told.map((message) => message.type) };
}

test('a stream lasts while one of its subscriptions does, whatever the others are refused for', async () => {
  const { notes, told } = await begin('NOT_FOUND', 'ok', 'SERVICE_UNAVAILABLE');
  expect(notes).toEqual([]);
  expect(told).toEqual(['error', 'unsubscribed', 'error', 'unsubscribed']);
});

test('a stream of which every subscription is refused for good ends for good', async () => {
  expect((await begin('NOT_FOUND', 'UNKNOWN_FIELD')).notes).toEqual(['end CONNECTION_IDLE']);
});

test.each<ErrorCode>(['SERVICE_UNAVAILABLE', 'DRAINING'])(
  'a client that could have nothing only because of %s is told to come again',
  async (code) => {
    expect((await begin('NOT_FOUND', code)).notes).toEqual(['drop', `${code}: not now`]);
  },
);

test('nothing more is begun for a client that has gone', async () => {
  const { asked, notes, told } = await begin('ok', 'gone', 'ok');
  expect([asked, notes, told]).toEqual([2, [], []]);
});
