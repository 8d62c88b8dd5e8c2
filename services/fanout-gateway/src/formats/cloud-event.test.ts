import { TRANSITIONS, cloudEventSchema } from '@tidewire/contract';
import type { ObjectMessage, Transition } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { formatCloudEvent, wireAction } from './cloud-event.ts';
import type { VisibleChange } from './cloud-event.ts';
import { sseFrame } from './sse.ts';

const UUID = 'dddddddd-0000-4000-8000-000000000001';
const ORGANISATION = 'cccccccc-0000-4000-8000-000000000001';
const settings = { source: 'https://tide.example/"x"', typePrefix: 'nl.conduction.openregister' };

const message: ObjectMessage = {
  kind: 'object',
  action: 'updated',
  uuid: UUID,
  register: { id: 'aaaaaaaa-0000-4000-8000-000000000001', slug: 'meldingen-register' },
  schema: { id: 'bbbbbbbb-0000-4000-8000-000000000001', slug: 'meldingen' },
  organisation: ORGANISATION,
  version: 7,
  time: '2026-03-21T12:00:00.000Z',
  actor: { id: 'alice', name: 'Alice "A"', organisation: ORGANISATION },
  correlationId: 'request-1',
  traceparent: '00-secret-trace',
  before: null,
  after: null,
};

const change = (transition: Transition, spec: Partial<VisibleChange> = {}): VisibleChange => ({
  position: { epoch: '0abcdefg', sequence: 42 },
  message,
  transition,
  withActor: true,
  object: `"id":"${UUID}","title":"x"`,
  changed: '"status":{"old":"nieuw","new":null}',
  ...spec,
});

const read = (transition: Transition, spec?: Partial<VisibleChange>): Record<string, unknown> =>
  JSON.parse(formatCloudEvent(change(transition, spec), settings)) as Record<string, unknown>;

const identity = { uuid: UUID, register: 'meldingen-register', schema: 'meldingen' };
const actor = { id: 'alice', name: 'Alice "A"' };
const object = { id: UUID, title: 'x' };
const full = { ...identity, organisation: ORGANISATION, version: 7, actor };

const DATA: Readonly<Record<Transition, unknown>> = {
  created: { ...full, object },
  entered: { ...full, transition: 'entered', object },
  updated: { ...full, object, changed: { status: { old: 'nieuw', new: null } } },
  left: { ...identity, transition: 'left' },
  deleted: { ...identity, version: 7, actor },
};

test.each(TRANSITIONS)('%s says what the contract says and nothing else', (transition) => {
  const event = read(transition);
  expect(event['data']).toEqual(DATA[transition]);
  expect(event).toMatchObject({
    specversion: '1.0',
    id: 'evt-0abcdefg-000000000042',
    source: settings.source,
    type: `nl.conduction.openregister.object.${wireAction(transition)}`,
    time: message.time,
    subject: UUID,
    datacontenttype: 'application/json',
    sequence: '000000000042',
  });
  expect(cloudEventSchema.strict().parse(event)).toEqual(event);
});

test('never lets the trace out, and does not say which request took a row away', () => {
  for (const transition of TRANSITIONS) {
    expect(formatCloudEvent(change(transition), settings)).not.toContain('secret-trace');
  }
  expect(read('updated')['correlationid']).toBe('request-1');
  expect(read('left')).not.toHaveProperty('correlationid');
});

test('names the actor to those only who may know it', () => {
  for (const transition of TRANSITIONS) {
    expect(read(transition, { withActor: false })['data']).not.toHaveProperty('actor');
  }
  const anonymous = { ...message, actor: null };
  expect(read('updated', { message: anonymous })['data']).not.toHaveProperty('actor');
});

test('tells an update of hidden fields only, with the version and no change', () => {
  expect(read('updated', { changed: '' })['data']).toMatchObject({ version: 7, changed: {} });
});

test('is one SSE event whose data is one line, whatever the values hold', () => {
  const correlationId = 'a\n\ndata: evil\r\nid: 1';
  const json = formatCloudEvent(change('updated', { message: { ...message, correlationId } }), settings);
  const text = sseFrame('evt-0abcdefg-000000000042', 'object.updated', json);
  const lines = text.split(/\r\n|\r|\n/);
  expect(lines).toHaveLength(5);
  expect(lines[0]).toBe('id: evt-0abcdefg-000000000042');
  expect(lines[1]).toBe('event: object.updated');
  expect(lines.slice(3)).toEqual(['', '']);
  const data: unknown = JSON.parse((lines[2] ?? '').slice('data: '.length));
  expect(data).toMatchObject({ correlationid: correlationId });
});
