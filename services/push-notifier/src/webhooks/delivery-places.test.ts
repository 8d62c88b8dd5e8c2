import { expect, test } from 'vitest';
import { DeliveryPlaces } from './delivery-places.ts';

const never = new AbortController().signal;
const limits = { total: 4, perHost: 2, perPrincipal: 3 };

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('neither a host nor a principal takes the places of others', async () => {
  const places = new DeliveryPlaces(limits);
  const leave = places.take({ host: 'slow', principal: 'a' });
  places.take({ host: 'slow', principal: 'a' });
  expect(places.take({ host: 'slow', principal: 'b' })).toBeUndefined();
  places.take({ host: 'x', principal: 'a' });
  expect(places.take({ host: 'y', principal: 'a' })).toBeUndefined();
  const waitsForHost = places.enter({ host: 'slow', principal: 'b' }, never);
  expect(await isSettled(places.enter({ host: 'y', principal: 'b' }, never))).toBe(true);
  expect([places.size, places.take({ host: 'z', principal: 'c' })]).toEqual([4, undefined]);
  leave?.();
  expect(await isSettled(waitsForHost)).toBe(true);
  leave?.();
  expect(places.size).toBe(4);
});

test('who came first is next, among those for whom there is room', async () => {
  const places = new DeliveryPlaces({ total: 1, perHost: 1, perPrincipal: 1 });
  const leave = places.take({ host: 'a', principal: 'a' });
  const first = places.enter({ host: 'b', principal: 'b' }, never);
  const second = places.enter({ host: 'c', principal: 'c' }, never);
  leave?.();
  expect([await isSettled(first), await isSettled(second)]).toEqual([true, false]);
  (await first)();
  expect(await isSettled(second)).toBe(true);
  (await second)();
  expect(places.size).toBe(0);
});

test('who gives up waiting takes no place', async () => {
  const places = new DeliveryPlaces({ total: 1, perHost: 1, perPrincipal: 1 });
  const leave = places.take({ host: 'a', principal: 'a' });
  const end = new AbortController();
  const waiting = places.enter({ host: 'b', principal: 'b' }, end.signal);
  end.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  leave?.();
  expect(places.size).toBe(0);
  await expect(places.enter({ host: 'b', principal: 'b' }, end.signal)).rejects.toThrow('enough');
});
