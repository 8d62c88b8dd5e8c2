import { expect, test } from 'vitest';
import { TEXT, answerTo, readFrames } from './socket-frames.ts';

const texts = ['', 'short', 'm'.repeat(126), 'l'.repeat(70_000)];

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head =
    length < 126
      ? [TEXT, length]
      : length < 65_536
        ? [TEXT, 126, length >> 8, length & 255]
        : [TEXT, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

test.each([1, 2, 3, 7, 1000, 1_000_000])(
  'frames come out whole when the socket splits them after every %i bytes',
  (step) => {
    const bytes = Buffer.concat([...texts.map(frame), Buffer.from([0x89, 0])]);
    const read: string[] = [];
    let rest: Buffer = Buffer.alloc(0);
    for (let at = 0; at < bytes.length; at += step) {
      const some = Buffer.concat([rest, bytes.subarray(at, at + step)]);
      const end = readFrames(some, {
        onFrame: (first, whole, start) => {
          read.push(answerTo(first) === undefined ? whole.toString('utf8', start) : 'ping');
        },
      });
      rest = some.subarray(end);
      // Copying what is left after every byte of the longest one would take all the time.
      if (step < 1000 && read.length === 3) break;
    }
    expect(read).toEqual(step < 1000 ? texts.slice(0, 3) : [...texts, 'ping']);
  },
);
