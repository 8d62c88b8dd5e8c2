import { expect, test } from 'vitest';
import { PublishQueue, formatMessage } from './publish-queue.ts';
import type { QueuedMessage } from './publish-queue.ts';

const LIMITS = { messages: 3, ageMs: 100 };
const body = { action: 'batch', register: 'zaken', schema: 'meldingen' } as const;

function custom(name: string, user = 'alice', at = 0): QueuedMessage {
  return { principal: `principal-of-${user}`, user, custom: { name, body, at } };
}
const notification = (user = 'alice'): QueuedMessage => ({ principal: `principal-of-${user}`, user });

function queueOf(...messages: readonly QueuedMessage[]): PublishQueue {
  const queue = new PublishQueue(LIMITS);
  for (const message of messages) queue.push(message);
  return queue;
}

test('gives messages in their order, notifications after them and each user one', () => {
  const queue = queueOf(notification(), custom('a'), notification(), custom('b'), notification('bob'));
  expect(queue.take(10, 0)).toEqual([custom('a'), custom('b'), notification(), notification('bob')]);
  expect(queue.empty).toBe(true);
});

test('what is too much becomes one notification of its user', () => {
  const queue = queueOf(custom('a'), custom('b'), custom('c'), custom('d', 'bob'), custom('e', 'bob'));
  expect(queue.dropped).toBe(2);
  expect(queue.take(10, 0)).toEqual([custom('a'), custom('b'), custom('c'), notification('bob')]);
});

test('what is too old becomes one notification of its user, which does not grow old', () => {
  const queue = queueOf(custom('a', 'alice', 0), custom('b', 'alice', 1), custom('c', 'bob', 50));
  expect(queue.take(10, 101)).toEqual([custom('c', 'bob', 50), notification()]);
  queue.giveBack([notification()]);
  expect(queue.take(10, 100_000)).toEqual([notification()]);
  expect(queue.dropped).toBe(2);
});

test('what is given back is in front again, and what is then too much is let go of', () => {
  const queue = queueOf(custom('a'), custom('b'));
  const taken = queue.take(10, 0);
  for (const message of [custom('c'), custom('d', 'bob')]) queue.push(message);
  queue.giveBack(taken);
  expect(queue.take(10, 0)).toEqual([custom('a'), custom('b'), custom('c'), notification('bob')]);
});

test('what is withdrawn becomes a notification, and who is forgotten gets none', () => {
  const queue = queueOf(custom('a'), custom('b', 'bob'), notification('bob'));
  queue.withdraw((principal) => principal === 'principal-of-alice');
  queue.forget('principal-of-bob');
  expect(queue.take(10, 0)).toEqual([notification()]);
});

test('what is withdrawn while it is being published is not published again', () => {
  const queue = queueOf(custom('a'), custom('b', 'bob'));
  const taken = queue.take(10, 0);
  queue.withdraw((principal) => principal === 'principal-of-alice');
  queue.giveBack(taken);
  expect(queue.take(10, 0)).toEqual([custom('b', 'bob'), notification()]);
  queue.giveBack([custom('b', 'bob')]);
  expect(queue.dropped).toBe(1);
});

test('takes no more of each kind than it is asked for', () => {
  const queue = queueOf(custom('a'), custom('b'), notification(), notification('bob'));
  expect(queue.take(1, 0)).toEqual([custom('a'), notification()]);
  expect(queue.take(1, 0)).toEqual([custom('b'), notification('bob')]);
});

test('writes both messages as notify_push reads them', () => {
  expect(formatMessage(custom('or-collection-zaken-meldingen'))).toEqual([
    'notify_custom',
    '{"user":"alice","message":"or-collection-zaken-meldingen","body":{"action":"batch","register":"zaken","schema":"meldingen"}}',
  ]);
  expect(formatMessage(notification())).toEqual(['notify_notification', '{"user":"alice"}']);
});
