import { expect, test } from 'vitest';
import {
  EVENTS_STREAM_SUBJECTS,
  REQUEST_SUBJECTS,
  SIGNAL_SUBJECTS,
  formatCatalogueSubject,
  formatObjectSubject,
  formatRightsSubject,
  normaliseFilters,
  topicFilter,
} from './subject.ts';

const uuid = '550e8400-e29b-41d4-a716-446655440000';
const organisation = '0b0f7c0e-5b7e-4f7c-9a59-1d9c3e5f0aaa';

/** NATS's own matching rule, written independently of the code under test. */
function matches(filter: string, subject: string): boolean {
  const pattern = filter
    .split('.')
    .map((token) => (token === '>' ? '.+' : token === '*' ? '[^.]+' : token))
    .join('\\.');
  return new RegExp(`^${pattern}$`).test(subject);
}

const subject = formatObjectSubject({
  organisation,
  register: 'zaken',
  schema: 'meldingen',
  uuid,
  action: 'updated',
});

test('an object subject names organisation, register, schema, object and action', () => {
  expect(subject).toBe(`events.${organisation}.zaken.meldingen.${uuid}.updated`);
  expect(
    formatObjectSubject({
      organisation: null,
      register: 'zaken',
      schema: 'meldingen',
      uuid,
      action: 'created',
    }),
  ).toBe(`events.none.zaken.meldingen.${uuid}.created`);
});

test.each(['a.b', '*', '>', 'a b', '', 'A', 'ä', 'a\u0000'])(
  'no token %j ever reaches a subject',
  (token) => {
    const parts = { organisation, register: 'zaken', schema: 'meldingen', uuid, action: 'updated' } as const;
    expect(() => formatObjectSubject({ ...parts, organisation: token })).toThrow(RangeError);
    expect(() => formatObjectSubject({ ...parts, register: token })).toThrow(RangeError);
    expect(() => formatObjectSubject({ ...parts, schema: token })).toThrow(RangeError);
    expect(() => formatObjectSubject({ ...parts, uuid: token })).toThrow(RangeError);
    expect(() => formatRightsSubject('principal', token)).toThrow(RangeError);
    expect(() => formatCatalogueSubject('schema', token)).toThrow(RangeError);
  },
);

test('each kind of topic filters exactly its own events', () => {
  const topics = [
    [{ kind: 'register', register: 'zaken' }, true],
    [{ kind: 'register', register: 'meldingen' }, false],
    [{ kind: 'schema', register: 'zaken', schema: 'meldingen' }, true],
    [{ kind: 'schema', register: 'zaken', schema: 'zaken' }, false],
    [{ kind: 'object', uuid }, true],
    [{ kind: 'object', uuid: organisation }, false],
    [{ kind: 'organisation', uuid: organisation }, true],
    [{ kind: 'organisation', uuid }, false],
  ] as const;
  for (const [topic, expected] of topics)
    expect(matches(topicFilter(topic), subject), topicFilter(topic)).toBe(expected);
});

test('the stream holds data, rights and catalogue, and no request or signal', () => {
  const stored = [subject, formatRightsSubject('policy', uuid), formatCatalogueSubject('schema', uuid)];
  for (const name of stored)
    expect(EVENTS_STREAM_SUBJECTS.filter((filter) => matches(filter, name))).toHaveLength(1);
  for (const name of [...Object.values(REQUEST_SUBJECTS), ...Object.values(SIGNAL_SUBJECTS)]) {
    expect(
      EVENTS_STREAM_SUBJECTS.some((filter) => matches(filter, name)),
      name,
    ).toBe(false);
  }
});

test('a filter that another one covers is dropped, one that merely intersects stays', () => {
  const register = topicFilter({ kind: 'register', register: 'zaken' });
  const schema = topicFilter({ kind: 'schema', register: 'zaken', schema: 'meldingen' });
  const tenant = topicFilter({ kind: 'organisation', uuid: organisation });
  expect(normaliseFilters([register, schema, register, tenant])).toEqual([register, tenant]);
  expect(normaliseFilters([schema, tenant])).toEqual([schema, tenant]);
});
