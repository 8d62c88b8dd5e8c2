import { resyncSchema } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { readStream } from '../../test/fan-out-builder.ts';
import { ControlFrames } from './control-frame.ts';
import { chunk, sseFrame, ssePosition } from './sse.ts';

const position = { epoch: '0abcdefg', sequence: 9 };

test('moves the cursor of a client without an event', () => {
  expect(ssePosition(position)).toBe(': position\nid: evt-0abcdefg-000000000009\n\n');
});

test('is named where events have names, and told apart by its data elsewhere', () => {
  expect(sseFrame('evt-1', 'object.created', '{}')).toBe('id: evt-1\nevent: object.created\ndata: {}\n\n');
  expect(sseFrame('evt-1', undefined, '{}')).toBe('id: evt-1\ndata: {}\n\n');
});

test('frames chunks by bytes, so that joined ones are a chunked body still', () => {
  const texts = [sseFrame('a', 'e', '"ü😀"'), sseFrame('b', 'e', `"${'x'.repeat(5000)}"`)];
  const joined = Buffer.concat(texts.map(chunk));
  expect(joined.subarray(0, 4).toString()).toBe('1f\r\n');
  expect(readStream(joined).map(({ id, data }) => [id, (data as string).length])).toEqual([
    ['a', 3],
    ['b', 5000],
  ]);
});

const TARGET = { wire: 'sse', subscription: '' } as const;

test('makes a heartbeat once for all, and anew when position or epoch moved', () => {
  let epoch = '0abcdefg';
  let nowMs = 0;
  const frames = new ControlFrames({
    epoch: () => epoch,
    oldest: () => ({ epoch, sequence: 1 }),
    now: () => nowMs,
  });
  const first = frames.position(TARGET, 5);
  expect(frames.position(TARGET, 5)).toBe(first);
  expect(frames.position(TARGET, 6)).not.toBe(first);
  expect(frames.resync(TARGET, 'behind', 6)).not.toBe(frames.resync(TARGET, 'time', 6));
  const before = frames.position(TARGET, 6).toString();
  epoch = '0abcdefh';
  const again = frames.position(TARGET, 6);
  expect(again.toString()).not.toBe(before);
  nowMs = 999;
  expect(frames.position(TARGET, 6)).toBe(again);
  nowMs = 1000;
  expect(frames.position(TARGET, 6)).not.toBe(again);
});

test('says why to fetch again, from where on, and moves the cursor there', () => {
  const frames = new ControlFrames({
    epoch: () => '0abcdefg',
    oldest: () => ({ ...position, sequence: 3 }),
    now: () => 0,
  });
  const [message] = readStream(frames.resync(TARGET, 'rights-changed', 9));
  expect(message?.event).toBe('resync');
  expect(message?.id).toBe('evt-0abcdefg-000000000009');
  expect(resyncSchema.parse(message?.data)).toEqual({
    reason: 'rights-changed',
    oldest: 'evt-0abcdefg-000000000003',
    current: 'evt-0abcdefg-000000000009',
  });
});
