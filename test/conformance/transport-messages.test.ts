import { expect, test } from 'vitest';
import { MessageCheck, SERVER_MESSAGES } from './transport-messages.ts';

const heartbeat = { type: 'heartbeat', timestamp: '2026-04-05T12:00:00.000Z' };

test.each<[what: string, message: { readonly type: string } & Record<string, unknown>, fault: string]>([
  ['of no known type', { type: 'nonsense' }, 'the type nonsense is not in the contract'],
  ['that lacks a member', { type: 'heartbeat' }, "must have required property 'timestamp'"],
  ['with a member that is not published', { ...heartbeat, secret: 1 }, 'must NOT have additional properties'],
  ['with a member of another form', { ...heartbeat, eventId: '42' }, 'must match pattern'],
])('a message %s is a fault', (_what, message, fault) => {
  const check = new MessageCheck();
  check.fromServer(heartbeat);
  expect(check.faults).toEqual([]);
  check.fromServer(message);
  expect(check.faults).toEqual([expect.stringContaining(fault)]);
});

test('every message of the second document has a published schema', () => {
  const documented =
    'change conflict heartbeat subscribed unsubscribed join leave presence-sync connection-status'.split(' ');
  expect(documented.filter((type) => !SERVER_MESSAGES.has(type))).toEqual([]);
});
