import { expect, test } from 'vitest';
import { ANONYMOUS_PRINCIPAL, ConnectionSlots } from './connection-slots.ts';
import type { ConnectionLeases } from './connection-slots.ts';

const limits = { perPrincipal: 3, anonymous: 4, perProcess: 5 };
const tooMany = { code: 'TOO_MANY_CONNECTIONS', status: 429, retryAfterSeconds: expect.any(Number) };

test('refuses the connection beyond the limit of a principal and admits again after one is closed', async () => {
  const slots = new ConnectionSlots(limits);
  const first = await slots.take('alice');
  await slots.take('alice');
  await slots.take('alice');
  await expect(slots.take('alice')).rejects.toMatchObject(tooMany);
  await slots.take('bob');
  first.release();
  first.release();
  expect(slots.own('alice')).toBe(2);
  await slots.take('alice');
  expect(slots.total).toBe(4);
});

test('asks the leases for every principal, and gives back what they granted once', async () => {
  const calls: string[] = [];
  let granted = true;
  const leases: ConnectionLeases = {
    acquire: async (principal, limit) => {
      calls.push(`+${principal}/${limit}`);
      return granted;
    },
    release: (principal) => void calls.push(`-${principal}`),
  };
  const slots = new ConnectionSlots(limits, () => leases);
  const slot = await slots.take('alice');
  slot.release();
  slot.release();
  granted = false;
  await expect(slots.take('alice')).rejects.toMatchObject(tooMany);
  expect(calls).toEqual(['+alice/3', '-alice', '+alice/3']);
  expect(slots.total).toBe(0);
});

test('requests that arrive together do not all get the last place', async () => {
  const slots = new ConnectionSlots(limits, () => ({ acquire: async () => true, release: () => undefined }));
  const taken = await Promise.allSettled(Array.from({ length: 9 }, async () => await slots.take('alice')));
  expect(taken.filter(({ status }) => status === 'fulfilled').length).toBe(3);
});

test('anonymous connections have one limit together and no lease', async () => {
  const slots = new ConnectionSlots(limits, () => ({
    acquire: async () => {
      throw new Error('asked for nobody');
    },
    release: () => undefined,
  }));
  for (let index = 0; index < 4; index += 1) await slots.take(ANONYMOUS_PRINCIPAL);
  await expect(slots.take(ANONYMOUS_PRINCIPAL)).rejects.toMatchObject(tooMany);
  expect(slots.full).toBe(false);
});
