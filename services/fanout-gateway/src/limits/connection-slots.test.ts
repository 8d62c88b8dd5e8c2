import { TidewireError } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { ConnectionSlots } from './connection-slots.ts';
import type { ConnectionLeases } from './connection-slots.ts';

const limits = { perPrincipal: 3, anonymous: 4, perProcess: 5 };

/** Leases of several gateways over one table. */
class LeaseTable {
  readonly counts = new Map<string, number>();
  broken = false;

  for(gateway: string): ConnectionLeases {
    return {
      publish: async (principal, count) => {
        if (this.broken) throw new Error('away');
        this.counts.set(`${principal}.${gateway}`, count);
      },
      count: async (principal) => {
        if (this.broken) return undefined;
        let total = 0;
        for (const [key, count] of this.counts) if (key.startsWith(`${principal}.`)) total += count;
        return total;
      },
    };
  }
}

test('refuses the connection beyond the limit of a principal and admits again after one is closed', async () => {
  const slots = new ConnectionSlots(limits);
  const first = await slots.take('alice');
  await slots.take('alice');
  await slots.take('alice');
  await expect(slots.take('alice')).rejects.toThrow(TidewireError);
  await slots.take('bob');
  first.release();
  first.release();
  expect(slots.own('alice')).toBe(2);
  await slots.take('alice');
  expect(slots.total).toBe(4);
});

test('counts the connections of all gateways together', async () => {
  const table = new LeaseTable();
  const one = new ConnectionSlots(limits, table.for('one'));
  const two = new ConnectionSlots(limits, table.for('two'));
  await one.take('alice');
  const second = await one.take('alice');
  await two.take('alice');
  await expect(two.take('alice')).rejects.toMatchObject({ code: 'TOO_MANY_CONNECTIONS' });
  expect(two.own('alice')).toBe(1);
  second.release();
  await Promise.resolve();
  await two.take('alice');
});

test('holds the limit per gateway while the leases cannot be reached', async () => {
  const table = new LeaseTable();
  const one = new ConnectionSlots(limits, table.for('one'));
  const two = new ConnectionSlots(limits, table.for('two'));
  for (let index = 0; index < 3; index += 1) await one.take('alice');
  table.broken = true;
  for (let index = 0; index < 3; index += 1) await two.take('alice');
  await expect(two.take('alice')).rejects.toMatchObject({ code: 'TOO_MANY_CONNECTIONS' });
});

test('never lets two gateways both take the last place', async () => {
  for (let round = 0; round < 50; round += 1) {
    const table = new LeaseTable();
    const gateways = ['one', 'two', 'three'].map((name) => new ConnectionSlots(limits, table.for(name)));
    const taken = await Promise.allSettled(
      Array.from({ length: 9 }, (_, index) => gateways[index % 3]?.take('alice')),
    );
    expect(taken.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(3);
  }
});
