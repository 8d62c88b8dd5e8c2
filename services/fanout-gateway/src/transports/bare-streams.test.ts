import { REALTIME_TRANSPORT_CONFIG } from '@tidewire/contract';
import { createTestClock } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { BareStreams } from './bare-streams.ts';
import type { BareStream } from './bare-streams.ts';

const ROUND_MS = REALTIME_TRANSPORT_CONFIG.sseHeartbeatIntervalMs;

test('beats for who takes what is sent, and cuts off who does not', () => {
  const clock = createTestClock();
  const notes: string[] = [];
  let queued = 0;
  const stream = {
    peer: {
      queuedBytes: () => queued,
      beat: () => notes.push('heartbeat'),
      reset: () => notes.push('reset'),
    },
    onAlive: () => notes.push('alive'),
  } as unknown as BareStream;
  const streams = new BareStreams(clock);
  streams.add(stream);
  clock.advance(ROUND_MS);
  expect(notes).toEqual(['alive', 'heartbeat']);
  queued = 1;
  clock.advance(ROUND_MS);
  expect(notes).toHaveLength(2);
  queued = 0;
  clock.advance(ROUND_MS);
  expect(notes).toEqual(['alive', 'heartbeat', 'alive', 'heartbeat']);
  queued = 1;
  clock.advance(2 * ROUND_MS);
  expect(notes.at(-1)).toBe('reset');
  streams.remove(stream);
  queued = 0;
  clock.advance(ROUND_MS);
  expect(notes.at(-1)).toBe('reset');
  streams.stop();
});
