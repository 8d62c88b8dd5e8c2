import { expect, test } from 'vitest';
import { pollEvent, pollPosition, pollResync, readPollLines } from './poll-line.ts';

const resync = {
  reason: 'behind',
  oldest: 'evt-0abcdefg-000000000001',
  current: 'evt-0abcdefg-000000000009',
} as const;

test('a frame is one line, and joined frames are read as they were written', () => {
  const json = JSON.stringify({ text: 'a\n+evt-evil {"x":1}\n=', umlaut: 'ü😀' });
  const frames = [
    pollEvent('evt-0abcdefg-000000000007', json),
    pollPosition({ epoch: '0abcdefg', sequence: 8 }),
    pollResync(resync),
  ];
  expect(frames[0]?.toString()).toBe(`+evt-0abcdefg-000000000007 ${json}\n`);
  expect(frames[1]?.toString()).toBe('=evt-0abcdefg-000000000008 \n');
  expect(frames[2]?.toString()).toBe(`!evt-0abcdefg-000000000009 ${JSON.stringify(resync)}\n`);
  const lines = readPollLines(Buffer.concat(frames));
  expect(lines.map(({ kind, id }) => [kind, id])).toEqual([
    ['event', 'evt-0abcdefg-000000000007'],
    ['position', 'evt-0abcdefg-000000000008'],
    ['resync', 'evt-0abcdefg-000000000009'],
  ]);
  const [first] = lines;
  expect(first?.kind === 'event' && first.json.toString()).toBe(json);
});

test('a buffer that many polls share is read once', () => {
  const bytes = pollEvent('evt-0abcdefg-000000000007', '{}');
  expect(readPollLines(bytes)).toBe(readPollLines(bytes));
});
