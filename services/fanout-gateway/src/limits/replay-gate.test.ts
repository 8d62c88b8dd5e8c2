import { expect, test } from 'vitest';
import { ReplayGate } from './replay-gate.ts';

const open = (): AbortSignal => new AbortController().signal;

test('admits a bounded number per principal and in all, the rest in order of arrival', async () => {
  const gate = new ReplayGate({ perPrincipal: 2, total: 3 });
  const order: string[] = [];
  const enter = (name: string): Promise<void> =>
    gate.enter(name.slice(0, 1), open()).then(() => void order.push(name));
  const a1 = await gate.enter('a', open());
  await gate.enter('a', open());
  const pending = [enter('a3'), enter('b1'), enter('c1'), enter('a4')];
  await pending[1];
  expect(order).toEqual(['b1']);
  expect(gate.running).toBe(3);
  a1?.release();
  a1?.release();
  await pending[0];
  expect(order).toEqual(['b1', 'a3']);
  expect(gate.running).toBe(3);
});

test('lets a waiting request go when its client has gone, and does not count it afterwards', async () => {
  const gate = new ReplayGate({ perPrincipal: 1, total: 1 });
  const first = await gate.enter('a', open());
  const client = new AbortController();
  const waiting = gate.enter('a', client.signal);
  client.abort();
  expect(await waiting).toBeUndefined();
  first?.release();
  expect(gate.running).toBe(0);
  expect(await gate.enter('a', open())).toBeDefined();
  expect(await gate.enter('b', client.signal)).toBeUndefined();
});
