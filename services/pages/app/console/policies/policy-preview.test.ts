import type { PolicyPreview } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { describePreview } from './policy-preview.tsx';

const none = { rows: 0, sample: [] };
const one = (
  principal: string,
  gained: number,
  lost: number,
  properties: readonly string[] = [],
): PolicyPreview['principals'][number] => ({
  principal,
  gains: { rows: gained, sample: [] },
  loses: { ...none, rows: lost },
  properties: { gains: [], loses: [...properties] },
});

test.each([
  [[], 'Nothing changes for anybody who was looked at, as to “read”.'],
  [
    [one('bob', 2, 1)],
    'As to “read”, 1 principal would gain something and 1 principal would lose something.',
  ],
  [
    [one('bob', 0, 1), one('dana', 0, 0, ['mail'])],
    'As to “read”, no principals would gain something and 2 principals would lose something.',
  ],
])('%j is told in a sentence', (principals, expected) => {
  expect(describePreview({ action: 'read', principals })).toBe(expected);
});
