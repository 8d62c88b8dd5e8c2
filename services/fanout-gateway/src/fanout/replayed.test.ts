import { compare } from '@tidewire/condition';
import type { ObjectImage, ObjectMessage } from '@tidewire/contract';
import { expect, test } from 'vitest';
import {
  change,
  createRights,
  createTestFanOut,
  entry,
  image,
  principal,
  readStream,
  request,
} from '../../test/fan-out-builder.ts';
import type { SubscriptionRequest } from './subscription.ts';

const who = principal('reader');

const row = (state: string, text: string, owner: string | null = null): ObjectImage =>
  image({ owner, properties: { state, text, secret: `secret of ${text}` } });

/** What a client that comes back is told of these events of one object. */
function replay(
  messages: readonly ObjectMessage[],
  reader = who,
  wish: Partial<SubscriptionRequest> = {},
): unknown[] {
  const rights = createRights({
    properties: ['state', 'text', 'secret'],
    authorization: { read: [{ group: 'authenticated', match: { state: { $in: ['open', 'shown'] } } }] },
    propertyRules: { secret: { read: [{ group: 'authenticated', match: { state: 'shown' } }] } },
  });
  const { fanOut, open } = createTestFanOut();
  const { connection } = open(reader, request(rights, reader, wish));
  const events = messages.map((message, index) => entry(index + 1, message));
  const frames = fanOut.encodeFor(connection, [{ events }]);
  return frames.flatMap(({ sequence, bytes }) =>
    readStream(bytes).map(({ event, data }) => {
      const { transition, object, changed } = (data as { data: Record<string, unknown> }).data ?? {};
      const { text, secret } = (object ?? {}) as Record<string, unknown>;
      return [sequence, event, transition, text, secret, changed].filter((part) => part !== undefined);
    }),
  );
}

test('tells every event of an object that may still be seen', () => {
  const [a, b, c] = [row('open', 'a'), row('open', 'b'), row('open', 'c')];
  expect(replay([change(null, a), change(a, b), change(b, c)])).toEqual([
    [1, 'object.created', 'a'],
    [2, 'object.updated', 'b', { text: { old: 'a', new: 'b' } }],
    [3, 'object.updated', 'c', { text: { old: 'b', new: 'c' } }],
  ]);
});

test('does not tell an old image of an object that became confidential, only that it left', () => {
  const told = replay([
    change(row('open', 'a'), row('open', 'b')),
    change(row('open', 'b'), row('closed', 'c')),
    change(row('closed', 'c'), row('closed', 'd')),
  ]);
  expect(told).toEqual([[2, 'object.deleted', 'left']]);
});

test('tells nothing of an object that was not there for the reader at the cursor and is not now', () => {
  expect(replay([change(null, row('open', 'a')), change(row('open', 'a'), row('closed', 'b'))])).toEqual([]);
  expect(replay([change(row('closed', 'a'), row('open', 'b')), change(row('open', 'b'), null)])).toEqual([]);
});

test('tells a deletion with nothing of what was before it', () => {
  const told = replay([change(row('open', 'a'), row('open', 'b')), change(row('open', 'b'), null)]);
  expect(told).toEqual([[2, 'object.deleted']]);
});

test('tells only the first of several departures, so that whoever stops between them keeps nothing', () => {
  const messages = [
    change(row('open', 'a'), row('closed', 'b')),
    change(row('closed', 'b'), row('open', 'c')),
    change(row('open', 'c'), row('closed', 'd')),
  ];
  expect(replay(messages)).toEqual([[1, 'object.deleted', 'left']]);
  // From any place after that nothing has to be told any more, or the row that is shown again leaves again.
  expect(replay(messages.slice(1))).toEqual([]);
  expect(replay(messages.slice(2))).toEqual([[1, 'object.deleted', 'left']]);
});

test('shows of an old image only the fields that may be read on the newest one too', () => {
  const told = replay([
    change(row('shown', 'a'), row('shown', 'b')),
    change(row('shown', 'b'), row('open', 'c')),
  ]);
  expect(told).toEqual([
    [1, 'object.updated', 'b', { text: { old: 'a', new: 'b' } }],
    [2, 'object.updated', 'c', { state: { old: 'shown', new: 'open' }, text: { old: 'b', new: 'c' } }],
  ]);
});

test('goes by what was asked for as live delivery does', () => {
  const messages = [change(row('open', 'a'), row('open', 'b')), change(row('open', 'b'), row('open', 'c'))];
  const filter = compare('eq', 'text', 'b');
  expect(replay(messages, who, { filter })).toEqual([]);
  expect(replay([...messages, change(row('open', 'c'), row('open', 'b'))], who, { filter })).toEqual([
    [1, 'object.updated', 'entered', 'b'],
    [2, 'object.deleted', 'left'],
    [3, 'object.updated', 'entered', 'b'],
  ]);
  expect(replay(messages, who, { events: ['deleted'] })).toEqual([]);
});

test('counts own rows as live delivery does', () => {
  const messages = [
    change(null, row('closed', 'a', 'reader')),
    change(row('closed', 'a', 'reader'), row('closed', 'b', 'reader')),
  ];
  expect(replay(messages).map((told) => (told as unknown[]).slice(0, 3))).toEqual([
    [1, 'object.created', 'a'],
    [2, 'object.updated', 'b'],
  ]);
  expect(replay(messages, principal('other'))).toEqual([]);
});

test('an event without its images makes the reader fetch again', () => {
  const lost = change(row('open', 'a'), row('open', 'b'), {
    before: null,
    after: null,
    action: 'updated',
    unencodable: true,
  });
  expect(replay([change(null, row('open', 'a')), lost])).toEqual([[2, 'resync']]);
});
