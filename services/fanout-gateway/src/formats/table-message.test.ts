import { TRANSITIONS, tableChangeSchema } from '@tidewire/contract';
import type { ObjectMessage, Transition } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { formatChangeMessage } from './stream-message.ts';
import { formatTableChange } from './table-message.ts';

const UUID = 'dddddddd-0000-4000-8000-000000000001';

const message: ObjectMessage = {
  kind: 'object',
  action: 'updated',
  uuid: UUID,
  register: { id: 'aaaaaaaa-0000-4000-8000-000000000001', slug: 'zaken' },
  schema: { id: 'bbbbbbbb-0000-4000-8000-000000000001', slug: 'meldingen' },
  organisation: 'cccccccc-0000-4000-8000-000000000001',
  version: 7,
  time: '2026-03-21T12:00:00.000Z',
  actor: { id: 'alice', name: 'Alice', organisation: null },
  correlationId: 'request-1',
  traceparent: '00-secret-trace',
  before: null,
  after: null,
};

const format = (transition: Transition, { sortKey = '', subscription = '' } = {}): string => {
  const members = formatTableChange({
    position: { epoch: '0abcdefg', sequence: 42 },
    message,
    transition,
    table: 'meldingen',
    fields: '"__proto__":1,"titel":"b\\n"',
    oldFields: '"titel":"a"',
    times: '"createdAt":"2026-03-21T11:00:00.000Z","updatedAt":"2026-03-21T12:00:00.000Z"',
    sortKey,
  });
  return formatChangeMessage({ id: '', members }, subscription);
};

const head = (event: string, transition: string): string =>
  `{"type":"change","event":"${event}","table":"meldingen","recordId":"${UUID}"` +
  `,"eventId":"evt-0abcdefg-000000000042","transition":"${transition}"`;
const times = '"createdAt":"2026-03-21T11:00:00.000Z","updatedAt":"2026-03-21T12:00:00.000Z"';
const record = `,"record":{"id":"${UUID}","fields":{"__proto__":1,"titel":"b\\n"},${times}}`;
const tail = ',"timestamp":"2026-03-21T12:00:00.000Z"}';

const BYTES: Readonly<Record<Transition, string>> = {
  created: `${head('insert', 'created')}${record}${tail}`,
  entered: `${head('insert', 'entered')}${record}${tail}`,
  updated: `${head('update', 'updated')}${record},"oldRecord":{"id":"${UUID}","fields":{"titel":"a"}}${tail}`,
  left: `${head('delete', 'left')}${tail}`,
  deleted: `${head('delete', 'deleted')}${tail}`,
};

test.each(TRANSITIONS)('%s is exactly these bytes, and what the contract says', (transition) => {
  const text = format(transition);
  expect(text).toBe(BYTES[transition]);
  expect(JSON.stringify(tableChangeSchema.parse(JSON.parse(text)))).toBe(text);
});

test('says neither who changed a record nor by which request', () => {
  for (const transition of TRANSITIONS) {
    expect(format(transition)).not.toMatch(/alice|request-1|secret-trace/i);
  }
});

test('carries the subscription, escaped, and the place in the order that was asked for', () => {
  const text = format('created', { sortKey: '["b",null]', subscription: 's"1' });
  expect(tableChangeSchema.parse(JSON.parse(text))).toMatchObject({
    subscriptionId: 's"1',
    sortKey: ['b', null],
  });
});
