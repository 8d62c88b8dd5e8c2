import { expect, test } from 'vitest';
import { createProgress } from './progress.ts';

function recorder(isTTY: boolean): {
  stream: { isTTY: boolean; write: (text: string) => void };
  text: () => string;
} {
  let written = '';
  return { stream: { isTTY, write: (text) => void (written += text) }, text: () => written };
}

test('without a terminal every step is one plain line with its result and time', async () => {
  const { stream, text } = recorder(false);
  let now = 0;
  const progress = createProgress({ stream, now: () => now });
  const result = await progress.step(
    'NATS',
    async () => ((now += 1250), 4222),
    (port) => `port ${port}`,
  );
  progress.note('took the one from the cache');
  expect(result).toBe(4222);
  expect(text()).toBe(
    '  - NATS           port 4222  1.3 s\n  ·                took the one from the cache\n',
  );
});

test('on a terminal what is being waited for moves, and leaves nothing behind', async () => {
  const { stream, text } = recorder(true);
  const progress = createProgress({ stream });
  let finish: (() => void) | undefined;
  const done = progress.step('PostgreSQL', () => new Promise<void>((resolve) => (finish = resolve)));
  await expect.poll(text).toMatch(/PostgreSQL \.\.\.[\s\S]*PostgreSQL \.\.\./);
  finish?.();
  await done;
  // what a terminal shows in the end: the last text after each return to the beginning of the line
  const shown = text()
    .split('\n')
    .map((line) => line.split('\r\u001b[K').at(-1));
  expect(shown[0]).toContain('✓');
  expect(shown[1]).toBe('');
});

test('plain output has neither colours nor control characters', async () => {
  const { stream, text } = recorder(true);
  const progress = createProgress({ stream, plain: true });
  await progress.step('NATS', async () => {});
  progress.warn(progress.paint.bad('oh'));
  // oxlint-disable-next-line no-control-regex
  expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test('a step that fails is marked and its error passed on', async () => {
  const { stream, text } = recorder(false);
  const progress = createProgress({ stream });
  await expect(progress.step('tables', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(text()).toBe('  x tables         failed\n');
});
