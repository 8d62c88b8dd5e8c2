import { LOG_HEADERS } from '@tidewire/contract';
import { headers } from '@nats-io/transport-node';
import type { Msg } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { decodeLogEntry } from './log-entry.ts';
import type { LogEntry } from './log-entry.ts';

const id = '11111111-1111-4111-8111-111111111111';
const object = {
  kind: 'object',
  action: 'created',
  uuid: id,
  register: { id, slug: 'hr' },
  schema: { id, slug: 'people' },
  organisation: null,
  version: 1,
  before: null,
  after: { _uuid: id },
};
const rights = { kind: 'rights', state: { kind: 'policy', id, version: 2 } };

function decode(payload: string, epoch?: string): LogEntry {
  const header = headers();
  if (epoch !== undefined) header.set(LOG_HEADERS.epoch, epoch);
  const raw = { subject: 's', data: new TextEncoder().encode(payload), headers: header } as Partial<Msg>;
  return decodeLogEntry(raw as Msg, 7, 'stream01');
}

test.each([
  ['an object', object],
  ['an object without images', { ...object, after: null, unencodable: true }],
  ['a right', rights],
])('%s is understood as it stands, unknown members included', (_name, message) => {
  const entry = decode(JSON.stringify({ ...message, later: 1 }));
  expect(entry).toMatchObject({ sequence: 7, problem: undefined, message: { ...message, later: 1 } });
});

test.each([
  ['not JSON', '{'],
  ['nothing', ''],
  ['null', 'null'],
  ['a list', '[]'],
  ['no kind', '{}'],
  ['an unknown action', JSON.stringify({ ...object, action: 'burnt' })],
  ['no schema', JSON.stringify({ ...object, schema: undefined })],
  ['a version that is no integer', JSON.stringify({ ...object, version: 1.5 })],
  ['an image that is a list', JSON.stringify({ ...object, after: [] })],
  ['an image that is missing', JSON.stringify({ ...object, before: undefined })],
  ['a right without state', '{"kind":"rights","unencodable":true}'],
  ['a right without id', JSON.stringify({ kind: 'rights', state: { kind: 'policy', version: 1 } })],
])('%s is malformed, which is not the same as unknown', (_name, payload) => {
  expect(decode(payload)).toMatchObject({ message: undefined, problem: 'malformed' });
});

test.each(['{"kind":"hologram"}', '{"kind":"rights","state":{"kind":"badge","id":"x","version":1}}'])(
  '%s is of a newer version',
  (payload) => {
    expect(decode(payload)).toMatchObject({ message: undefined, problem: 'unknown-kind' });
  },
);

test('the epoch is the one of the message, and the one of the stream where it has none', () => {
  expect(decode('{}', 'epoch009').epoch).toBe('epoch009');
  expect(decode('{}').epoch).toBe('stream01');
});

test('a member named __proto__ is data', () => {
  const payload = JSON.stringify(object).replace('"after":{', '"after":{"__proto__":{"kind":"rights"},');
  const { message } = decode(payload);
  expect(message?.kind).toBe('object');
  expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
});
