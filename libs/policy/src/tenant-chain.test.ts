import { expect, test } from 'vitest';
import { id, organisation } from '../test/rights-builder.ts';
import { MAX_ANCESTORS, tenantChain } from './tenant-chain.ts';

function chainIn(parents: Record<number, number | null>, start: number): number {
  const find = (uuid: string) => {
    const number = Number(uuid.slice(-12));
    const parent = parents[number];
    return parent === undefined ? undefined : organisation(uuid, parent === null ? null : id(parent));
  };
  return tenantChain(id(start), find).length;
}

test('goes from the active organisation to its root', () => {
  expect(chainIn({ 1: 2, 2: 3, 3: null }, 1)).toBe(3);
});

test('ends where an ancestor is unknown', () => {
  expect(chainIn({ 1: 2 }, 1)).toBe(1);
});

test('a cycle grants no ancestor', () => {
  expect(chainIn({ 1: 2, 2: 3, 3: 2 }, 1)).toBe(1);
  expect(chainIn({ 1: 1 }, 1)).toBe(1);
});

test('has at most ten ancestors', () => {
  const long = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [index + 1, index + 2]));
  expect(chainIn(long, 1)).toBe(MAX_ANCESTORS + 1);
});

test('is empty without a known active organisation', () => {
  expect(tenantChain(null, () => undefined)).toEqual([]);
  expect(tenantChain(id(1), () => undefined)).toEqual([]);
  expect(tenantChain(id(1), (uuid) => ({ ...organisation(uuid), removed: true }))).toEqual([]);
});
