import { expect, test } from 'vitest';
import { placeOf } from './json-place.ts';

const text = `{
  "authorization": {
    "read": ["handlers", { "group": "authenticated", "match": { "a/b": { "$ne": "x, ]}" } } }],
    "update": []
  },
  "properties": { "say \\"~\\"": { "read": [ "public" ] } },
  "roles": [ ]
}`;

const at = (pointer: string): string => {
  const place = placeOf(text, pointer);
  return text.slice(place?.start, place?.end);
};

test.each([
  ['/authorization/read/0', '"handlers"', 3],
  ['/authorization/read/1/match/a~1b', '{ "$ne": "x, ]}" }', 3],
  ['/authorization/read/1/match/a~1b/$ne', '"x, ]}"', 3],
  ['/authorization/update', '[]', 4],
  ['/properties/say "~0"/read', '[ "public" ]', 6],
  ['/roles', '[ ]', 7],
])('%s stands where it is', (pointer, expected, line) => {
  expect([at(pointer), placeOf(text, pointer)?.line]).toEqual([expected, line]);
});

test.each([
  ['/authorization/update/3', '[]'],
  ['/authorization/read/0/match', '"handlers"'],
  ['/roles/0/name', '[ ]'],
  ['', text],
])('%s is in the last value on its way', (pointer, expected) => {
  expect(at(pointer)).toBe(expected);
});

test('values that are the same as the parser reads are found at every pointer of a value', () => {
  const value = { a: [1, -2.5e3, true, null, { '': 'é\n', 'x~y/z': [[], {}] }], b: '"' };
  for (const spaces of [0, 2]) {
    const source = JSON.stringify(value, null, spaces);
    for (const [pointer, part] of pointersOf(value)) {
      const place = placeOf(source, pointer);
      expect([pointer, JSON.parse(source.slice(place?.start, place?.end))]).toEqual([pointer, part]);
    }
  }
});

test('a text that is no JSON has no places', () => {
  expect(placeOf('{"a": ', '/a')).toBeUndefined();
});

function pointersOf(value: unknown, pointer = ''): readonly (readonly [string, unknown])[] {
  const parts = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [
    [pointer, value],
    ...parts.flatMap(([name, part]) =>
      pointersOf(part, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
    ),
  ];
}
