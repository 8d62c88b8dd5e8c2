import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SseParser } from './sse-parser.ts';

type Told = readonly ['event', string, string] | readonly ['comment'] | readonly ['retry', number];

function parse(pieces: readonly Uint8Array[], maxLength?: number): readonly Told[] {
  const told: Told[] = [];
  const parser = new SseParser(
    {
      event: (event, data) => told.push(['event', event, data]),
      comment: () => told.push(['comment']),
      retry: (ms) => told.push(['retry', ms]),
    },
    maxLength,
  );
  for (const piece of pieces) parser.feed(piece);
  return told;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const parseText = (text: string): readonly Told[] => parse([encode(text)]);

/** Cuts bytes at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const lineEnd = fc.constantFrom('\n', '\r', '\r\n');
const text = fc.string({ unit: 'binary' }).map((each) => each.replaceAll(/[\r\n]/g, ''));
const places = fc.array(fc.nat(), { maxLength: 30 });

test('says the same wherever its bytes are cut', () => {
  const anything = fc
    .array(
      fc.oneof(fc.constantFrom('data', ':', ': ', 'event:', 'retry:', 'id', '\uFEFF', '1'), text, lineEnd),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(anything, places, (stream, cuts) => {
      const bytes = encode(stream);
      expect(parse(cut(bytes, cuts))).toEqual(parse([bytes]));
      expect(parse([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(parse([bytes]));
    }),
  );
});

test('a line end that is cut is one, also around nothing', () => {
  const pieces = ['data: a\r', '', '\ndata: b\r', '\n\r\n'].map(encode);
  expect(parse(pieces)).toEqual([['event', 'message', 'a\nb']]);
});

test('brings every event as it was written, with whatever line ends', () => {
  const event = fc.record({
    name: fc.option(
      text.filter((name) => name !== ''),
      { nil: undefined },
    ),
    lines: fc.array(text, { minLength: 1, maxLength: 4 }),
    end: lineEnd,
  });
  fc.assert(
    fc.property(fc.array(event), places, (events, cuts) => {
      const stream = events.map(({ name, lines, end }) =>
        [
          ...(name === undefined ? [] : [`event: ${name}`]),
          ...lines.map((line) => `data: ${line}`),
          '',
          '',
        ].join(end),
      );
      const expected = events.map(({ name, lines }) => ['event', name ?? 'message', lines.join('\n')]);
      // An event before, so that a mark in the first one is not taken for that of the stream.
      expect(parse(cut(encode(`:\n${stream.join('')}`), cuts))).toEqual([['comment'], ...expected]);
    }),
  );
});

test.each<[string, readonly Told[]]>([
  ['data: a\n\n', [['event', 'message', 'a']]],
  ['data:a\n\n', [['event', 'message', 'a']]],
  ['data:  a\n\n', [['event', 'message', ' a']]],
  ['data\n\n', [['event', 'message', '']]],
  ['data: a\ndata: b\n\n', [['event', 'message', 'a\nb']]],
  ['event: end\ndata: {}\n\n', [['event', 'end', '{}']]],
  // A name is for one event.
  ['event: end\n\ndata: a\n\n', [['event', 'message', 'a']]],
  ['\uFEFFdata: a\n\n', [['event', 'message', 'a']]],
  ['\uFEFF\uFEFFdata: a\n\n', []],
  [': hello\n:\n', [['comment'], ['comment']]],
  ['retry: 3000\nretry: -1\nretry: 1.5\nretry:\n', [['retry', 3000]]],
  ['id: 7\nunknown: x\nDATA: x\n\n', []],
  ['data: a\n', []],
  ['data: a', []],
  ['', []],
])('%j', (stream, told) => {
  expect(parseText(stream)).toEqual(told);
});

test('refuses a line, and an event of many lines, that would not end', () => {
  const line = encode('x'.repeat(60));
  expect(() => parse([encode('data: '), line, line], 100)).toThrow('longer than 100');
  expect(() => parse([encode('data: '), line, encode('\ndata: '), line], 100)).toThrow('longer than 100');
  const one = `data: ${'x'.repeat(80)}\n\n`;
  expect(parse([encode(one.repeat(5))], 100)).toHaveLength(5);
});
