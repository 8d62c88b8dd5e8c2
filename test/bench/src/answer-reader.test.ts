import { expect, test } from 'vitest';
import { createAnswerReader } from './answer-reader.ts';

const answer = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const bytes = Buffer.from(
  answer('200 OK', '{"a":"ü\\r\\n\\r\\n"}') + answer('503 Away', '{}') + answer('200 OK', '[]'),
);

test.each([1, 2, 3, 7, 64, 10_000])(
  'answers come out whole when the socket splits them after every %i bytes',
  (step) => {
    const answers: [number, string][] = [];
    const reader = createAnswerReader({ onAnswer: (status, body) => answers.push([status, body]) });
    for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
    expect(answers).toEqual([
      [200, '{"a":"ü\\r\\n\\r\\n"}'],
      [503, '{}'],
      [200, '[]'],
    ]);
  },
);
