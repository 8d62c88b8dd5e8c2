import { expect, test } from 'vitest';
import { KeepAlive } from './keep-alive.ts';

function start(): KeepAlive {
  let drawn = 0;
  return new KeepAlive(() => [0, 0.25, 0.5, 0.999999][drawn++ % 4] ?? 0, 0);
}

test('pings half a second after the beginning, then when nothing was sent for 30 s', () => {
  const keepAlive = start();
  expect(keepAlive.look(499)).toBeUndefined();
  expect(keepAlive.look(500)).toEqual(Buffer.from([1, 64, 128, 255]));
  expect(keepAlive.answered(Buffer.from([1, 64, 128, 255]))).toBe(true);
  keepAlive.sent(20_000);
  expect(keepAlive.look(49_999)).toBeUndefined();
  expect(keepAlive.look(50_000)).toHaveLength(4);
});

test('a pong with other bytes is wrong; one that nobody asked for is not', () => {
  const keepAlive = start();
  expect(keepAlive.answered(Buffer.alloc(0))).toBe(true);
  const ping = keepAlive.look(500);
  expect(keepAlive.answered(Buffer.from([1, 64, 128, 254]))).toBe(false);
  expect(keepAlive.answered(Buffer.alloc(0))).toBe(false);
  expect(keepAlive.answered(ping as Buffer)).toBe(true);
  expect(keepAlive.answered(Buffer.from([9]))).toBe(true);
});

test('nobody is there when no pong came before the next ping', () => {
  const keepAlive = start();
  keepAlive.look(500);
  expect(keepAlive.look(30_499)).toBeUndefined();
  expect(keepAlive.look(30_500)).toBe('gone');
});

test('messages that go out all the time do not put off that somebody has to answer', () => {
  const keepAlive = start();
  keepAlive.look(500);
  let gone = 0;
  for (let now = 1000; gone === 0 && now < 200_000; now += 500) {
    keepAlive.sent(now);
    if (keepAlive.look(now) === 'gone') gone = now;
  }
  expect(gone).toBe(120_500);
});
