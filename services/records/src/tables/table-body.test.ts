import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { readNewRecord, readRecordPatch, refuseRepeatedIds, toObjectBody } from './table-body.ts';

const UPDATED_AT = '2026-04-05T12:00:00.000Z';
const json = (text: string): unknown => JSON.parse(text);

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    if (error instanceof TidewireError) return error.errors[0]?.field;
    throw error;
  }
  return 'accepted';
}

test('values stand in fields, or are the body', () => {
  expect(readNewRecord({ fields: { a: 1 } })).toMatchObject({
    fields: { a: 1 },
    place: { members: '/fields' },
  });
  expect(readNewRecord({ a: 1 })).toMatchObject({ fields: { a: 1 }, place: { members: '' } });
  expect(readNewRecord({ fields: 'a property' })).toMatchObject({ fields: { fields: 'a property' } });
  expect(readNewRecord({ fields: { fields: 'x' } })).toMatchObject({ fields: { fields: 'x' } });
  for (const body of [undefined, null, 7, 'x', []]) expect(refusal(() => readNewRecord(body))).toBe('');
});

test('what stands beside fields and is not known is refused, for it might be meant as a value', () => {
  expect(refusal(() => readNewRecord({ fields: {}, status: 'x' }))).toBe('/status');
  expect(refusal(() => readNewRecord({ fields: {}, updatedAt: UPDATED_AT }))).toBe('/updatedAt');
  expect(refusal(() => readRecordPatch({ fields: {}, status: 'x' }))).toBe('/status');
});

test('a change may carry what a GET returned, and its updatedAt is the token', () => {
  const record = { id: 'x', fields: { a: 1 }, createdAt: UPDATED_AT, updatedAt: UPDATED_AT, createdBy: {} };
  expect(readRecordPatch(record)).toMatchObject({ fields: { a: 1 }, updatedAt: UPDATED_AT });
  expect(readRecordPatch({ a: 1, updatedAt: UPDATED_AT })).toMatchObject({
    fields: { a: 1 },
    updatedAt: UPDATED_AT,
  });
  expect(toObjectBody(readRecordPatch(record))).toMatchObject({ updatedMs: Date.parse(UPDATED_AT) });
});

test.each(['', 'now', '2026-04-05', '2026-04-05T12:00:00', '1775390400000'])(
  'the token %j is no time and refused',
  (updatedAt) => {
    expect(refusal(() => toObjectBody(readRecordPatch({ fields: {}, updatedAt })))).toBe('/updatedAt');
    expect(refusal(() => toObjectBody(readRecordPatch({ updatedAt })))).toBe('/updatedAt');
  },
);

test('a name that JavaScript knows is kept as data until it is refused by name', () => {
  const text = '{"__proto__":1,"constructor":2}';
  expect(Object.keys(readNewRecord(json(text)).fields)).toEqual(['__proto__', 'constructor']);
  expect(Object.keys(readRecordPatch(json(text)).fields)).toEqual(['__proto__', 'constructor']);
  expect(Object.keys(readRecordPatch(json(`{"fields":${text}}`)).fields)).toEqual([
    '__proto__',
    'constructor',
  ]);
  expect(refusal(() => toObjectBody(readNewRecord(json(text))))).toBe('/__proto__');
});

test('an id that stands in a batch twice is named where it stands the second time', () => {
  expect(refusal(() => refuseRepeatedIds(['a', 'b', 'a'], (index) => `/ids/${index}`))).toBe('/ids/2');
});
