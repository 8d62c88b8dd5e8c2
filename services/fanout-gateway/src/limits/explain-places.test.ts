import { expect, test } from 'vitest';
import { ExplainPlaces } from './explain-places.ts';

const unavailable = expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });

test('as many run as there are places, and one that ends makes room, also when it fails', async () => {
  const places = new ExplainPlaces({ total: 2, ofOthers: 1 });
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const one = places.run(true, () => first.promise);
  const two = places.run(true, () => second.promise);
  await expect(places.run(true, async () => 'never')).rejects.toEqual(unavailable);
  first.reject(new Error('broken'));
  await expect(one).rejects.toThrow('broken');
  expect(await places.run(true, async () => 'now')).toBe('now');
  second.resolve('done');
  expect(await two).toBe('done');
});

test('callers who are no administrators leave a place to an operator', async () => {
  const places = new ExplainPlaces({ total: 2, ofOthers: 1 });
  const busy = Promise.withResolvers<string>();
  const own = places.run(false, () => busy.promise);
  await expect(places.run(false, async () => 'never')).rejects.toEqual(unavailable);
  expect(await places.run(true, async () => 'operator')).toBe('operator');
  busy.resolve('done');
  await own;
  expect(await places.run(false, async () => 'next')).toBe('next');
});
