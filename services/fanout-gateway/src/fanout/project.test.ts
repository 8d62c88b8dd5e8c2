import { expect, test } from 'vitest';
import { image } from '../../test/fan-out-builder.ts';
import { MemberTexts } from './project.ts';

const parse = (members: string): Record<string, unknown> =>
  JSON.parse(`{${members}}`) as Record<string, unknown>;

test('shows the system members and exactly the properties of the mask', () => {
  const after = image({ version: 3, properties: { a: 1, b: { deep: [null] }, c: 'x', unknown: 'y' } });
  const texts = new MemberTexts(['a', 'b', 'c'], null, after);
  const system = { ...image({ version: 3 }), id: after._uuid };
  expect(parse(texts.object(0b101))).toEqual({ ...system, a: 1, c: 'x' });
  expect(parse(texts.object(0))).toEqual(system);
  expect(texts.object(0b111)).not.toContain('unknown');
});

test('leaves out what the image does not have, and treats absent and null alike in what changed', () => {
  const texts = new MemberTexts(
    ['a', 'b', 'c'],
    image({ properties: { a: null, b: 1 } }),
    image({ properties: { c: 2 } }),
  );
  expect(texts.object(0b111)).not.toContain('"b"');
  expect(parse(texts.changed(0b111, 0b111))).toEqual({ b: { old: 1, new: null }, c: { old: null, new: 2 } });
});

test('shows the times of a record whatever fields were asked for, as they are in the new image', () => {
  const before = image({ updated: '2026-01-01T00:00:00.000Z', properties: { a: 1 } });
  const after = image({ updated: '2026-01-02T00:00:00.000Z', properties: { a: 2 } });
  const texts = new MemberTexts(['a'], before, after);
  expect(parse(texts.recordTimes())).toEqual({
    createdAt: after._created,
    updatedAt: '2026-01-02T00:00:00.000Z',
  });
  // One text for all classes, whatever they may read.
  expect(texts.recordTimes()).toBe(texts.recordTimes());
});

test('tells a change only of a property that may be read on both images', () => {
  const texts = new MemberTexts(
    ['a', 'b', 'c'],
    image({ properties: { a: 1, b: 1, c: 1 } }),
    image({ properties: { a: 2, b: 2, c: 2 } }),
  );
  expect(Object.keys(parse(texts.changed(0b011, 0b110)))).toEqual(['b']);
  expect(texts.changed(0b001, 0b110)).toBe('');
});

test('does not call a change what only has another order of members', () => {
  const texts = new MemberTexts(
    ['a'],
    image({ properties: { a: { x: 1, y: 2 } } }),
    image({ properties: { a: { y: 2, x: 1 } } }),
  );
  expect(texts.changed(1, 1)).toBe('');
});

test('treats `__proto__` and `constructor` as names like any other', () => {
  const names = ['__proto__', 'constructor', 'toString'];
  const before = image({ properties: Object.fromEntries([['__proto__', { a: 1 }]]) });
  const after = image({
    properties: Object.fromEntries([
      ['__proto__', { a: 2 }],
      ['constructor', 'x'],
    ]),
  });
  const texts = new MemberTexts(names, before, after);
  const object = JSON.parse(`{${texts.object(0b111)}}`) as object;
  expect(Object.getOwnPropertyDescriptor(object, '__proto__')?.value).toEqual({ a: 2 });
  expect(Object.hasOwn(object, 'toString')).toBe(false);
  const changed = JSON.parse(`{${texts.changed(0b111, 0b111)}}`) as object;
  expect(Object.keys(changed)).toEqual(['__proto__', 'constructor']);
  expect(texts.object(0b010)).not.toContain('__proto__');
});

test('tells apart more properties than a number has bits', () => {
  const names = Array.from({ length: 70 }, (_, index) => `p${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, name]));
  const texts = new MemberTexts(names, null, image({ properties }));
  const object = parse(texts.object((1n << 69n) | (1n << 32n) | 1n));
  expect(Object.keys(object).filter((name) => name.startsWith('p'))).toEqual(['p0', 'p32', 'p69']);
});
