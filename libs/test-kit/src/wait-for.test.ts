import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

test('answers with the first answer that is not empty', async () => {
  const answers = [undefined, 0, '', false, null, 'there'];
  expect(await waitFor(() => answers.shift(), { what: 'it is there' })).toBe('there');
  expect(answers).toEqual([]);
});

test('names what did not happen, and the last answer', async () => {
  await expect(waitFor(() => 0, { timeoutMs: 20, what: 'a row arrives' })).rejects.toThrow(
    'Timed out after 20 ms waiting until a row arrives; the last answer was 0',
  );
});

test('passes on what the condition throws, at once', async () => {
  let asked = 0;
  const condition = (): never => {
    asked++;
    throw new Error('broken');
  };
  await expect(waitFor(condition, { timeoutMs: 10_000, what: 'it works' })).rejects.toThrow('broken');
  expect(asked).toBe(1);
});
