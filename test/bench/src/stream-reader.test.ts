import { expect, test } from 'vitest';
import { createStreamReader } from './stream-reader.ts';
import type { Frame } from './stream-reader.ts';

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const answer =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n' +
  chunk(': hello\nretry: 1000\n\n') +
  chunk(
    'id: evt-a-1\nevent: object.created\ndata: {"a":1}\n\nid: evt-a-2\nevent: object.updated\ndata: {}\n\n',
  ) +
  chunk('id: evt-a-3\n\n');

test.each([1, 2, 3, 7, 64, 10_000])(
  'frames come out whole when the socket splits them after every %i bytes',
  (step) => {
    const frames: Frame[] = [];
    const statuses: number[] = [];
    const reader = createStreamReader({
      onOpen: (status) => statuses.push(status),
      onFrame: (frame) => frames.push(frame),
    });
    const bytes = Buffer.from(answer, 'latin1');
    for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
    expect(statuses).toEqual([200]);
    expect(frames).toEqual([
      { id: '', event: undefined, data: '' },
      { id: 'evt-a-1', event: 'object.created', data: '{"a":1}' },
      { id: 'evt-a-2', event: 'object.updated', data: '{}' },
      { id: 'evt-a-3', event: undefined, data: '' },
    ]);
  },
);
