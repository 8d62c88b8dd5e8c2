import { REALTIME_TRANSPORT_CONFIG } from '@tidewire/contract';
import type { StreamMessage } from '@tidewire/contract';
import { createLogger } from '@tidewire/service-kit';
import { createTestClock } from '@tidewire/test-kit';
import { expect, test } from 'vitest';
import { SocketSession } from './socket-session.ts';
import type { SocketSessionOptions, SocketSessionParts } from './socket-session.ts';

const { heartbeatIntervalMs, presenceStaleTimeoutMs, idleConnectionTimeoutMs } = REALTIME_TRANSPORT_CONFIG;

/** A session whose surroundings only take notes. */
function createSession() {
  const clock = createTestClock();
  const notes: string[] = [];
  const told: StreamMessage[] = [];
  const state = { subscriptions: 1, present: false, editing: false, bytesRead: 0 };
  let release: (() => void) | undefined;
  const nothing = (): void => {};
  const options = {
    keeper: {
      end: (_stream: unknown, code: string) => notes.push(`end ${code}`),
      drop: () => notes.push('drop'),
    },
    presence: {
      requirePage: nothing,
      join: async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        release = resolve;
        await promise;
      },
      leave: () => notes.push('leave'),
      left: () => notes.push('left'),
      touch: nothing,
      isPresent: () => state.present,
    },
    pendingEdits: { announce: nothing, settle: nothing, left: nothing, isEditing: () => state.editing },
    renew: async () => null,
    clock,
    logger: createLogger({ service: 'test', level: 'silent' }),
  } as unknown as SocketSessionOptions;
  const parts = {
    host: { id: 'host' },
    peer: {
      open: true,
      tell: (message: StreamMessage) => told.push(message),
      write: (bytes: Buffer) => notes.push(`write ${bytes.toString('hex')}`),
      reset: () => notes.push('reset'),
    },
    subscriptions: {
      get size() {
        return state.subscriptions;
      },
    },
    flow: { pause: () => notes.push('pause'), resume: () => notes.push('resume') },
    bytesRead: () => state.bytesRead,
    pingAt: heartbeatIntervalMs,
  } as unknown as SocketSessionParts;
  const session = new SocketSession(options, parts);
  const look = (afterMs: number): void => {
    clock.advance(afterMs);
    session.look(clock.monotonic());
  };
  return { session, clock, notes, told, state, look, release: () => release?.() };
}

test('pings at its interval, and resets a client of whom nothing was heard for a minute', () => {
  const { notes, look, session } = createSession();
  look(heartbeatIntervalMs);
  expect(notes).toEqual(['write 8900']);
  expect(session.heard(0)).toBe(true);
  look(presenceStaleTimeoutMs - 1);
  expect(notes).toEqual(['write 8900', 'write 8900']);
  look(1);
  expect(notes.at(-1)).toBe('reset');
});

test('ends a connection that follows nothing, is on no page and edits nothing for too long, however much it talks', () => {
  const { notes, look, session, state } = createSession();
  const silentFor = (ms: number): void => {
    for (let left = ms; left > 0; left -= 10_000) {
      session.heard(0);
      look(Math.min(10_000, left));
    }
  };
  silentFor(2 * idleConnectionTimeoutMs);
  state.subscriptions = 0;
  state.present = true;
  silentFor(2 * idleConnectionTimeoutMs);
  state.present = false;
  state.editing = true;
  silentFor(2 * idleConnectionTimeoutMs);
  expect(notes).not.toContain('end CONNECTION_IDLE');
  state.editing = false;
  silentFor(idleConnectionTimeoutMs - 1);
  expect(notes).not.toContain('end CONNECTION_IDLE');
  look(1);
  expect(notes).toContain('end CONNECTION_IDLE');
});

test('takes a burst of messages, then so many a second, then ends the connection', () => {
  const { notes, session, clock } = createSession();
  const heard = (count: number): boolean =>
    Array.from({ length: count }, () => session.heard(1)).every(Boolean);
  expect(heard(200)).toBe(true);
  clock.advance(1000);
  expect(heard(50)).toBe(true);
  expect(notes).toEqual([]);
  expect(heard(1)).toBe(false);
  expect(notes).toEqual(['end RATE_LIMITED']);
});

test('ends a connection that sends more bytes than messages could need', () => {
  const { notes, look, state } = createSession();
  state.bytesRead = 4 * 1024 * 1024;
  look(1000);
  state.bytesRead *= 2;
  look(1000);
  expect(notes).toEqual([]);
  state.bytesRead += 4 * 1024 * 1024 + 1;
  look(1000);
  expect(notes).toEqual(['end RATE_LIMITED']);
});

test('acts on one message after another, and reads no more while many wait', async () => {
  const { notes, told, session, release } = createSession();
  session.receive('{"type":"join","pagePath":"/a"}');
  for (let index = 0; index < 16; index += 1) session.receive('{"type":"ping"}');
  expect(notes).toEqual(['pause']);
  expect(told).toEqual([]);
  release();
  await Promise.resolve();
  await new Promise(setImmediate);
  expect(told.map(({ type }) => type)).toEqual(Array.from({ length: 16 }, () => 'pong'));
  expect(notes).toEqual(['pause', 'resume']);
});

test('names what is wrong with a message, and the subscription that it was about', async () => {
  const { told, session } = createSession();
  session.receive('{"type":"subscribe","table":"orders","subscriptionId":"s1","colour":"red"}');
  session.receive('{"type":"token"}');
  session.receive('{"type":"settled","table":"orders"}');
  await new Promise(setImmediate);
  expect(told).toMatchObject([
    { type: 'error', code: 'VALIDATION_ERROR', subscriptionId: 's1', detail: [{ field: '/colour' }] },
    { type: 'error', code: 'VALIDATION_ERROR', detail: [{ field: '/token' }] },
    { type: 'error', code: 'VALIDATION_ERROR', detail: [{ field: '/recordId' }] },
  ]);
  // A subscription to that table, which there may be, has no part in it.
  expect(told[2]).not.toHaveProperty('subscriptionId');
});

test('what was asked for and not done yet is forgotten when the connection is over', async () => {
  const { notes, told, session, release } = createSession();
  session.receive('{"type":"join","pagePath":"/a"}');
  session.receive('{"type":"ping"}');
  session.ended();
  release();
  await new Promise(setImmediate);
  expect(told).toEqual([]);
  expect(notes).toEqual(['left', 'drop']);
});
