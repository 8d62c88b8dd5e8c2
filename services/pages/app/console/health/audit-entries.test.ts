import type { AuditEntry } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { KEPT_ENTRIES, addEntry, changedMembers } from './audit-entries.ts';

function entryOf(number: number): AuditEntry {
  return {
    id: `9d3c1f52-6a4e-4b7b-8c1d-${String(number).padStart(12, '0')}`,
    number,
    time: '2026-03-21T12:00:00.000Z',
    actor: null,
    correlationId: null,
    kind: 'policy',
    subject: 'x',
    action: 'changed',
    before: null,
    after: null,
  };
}

test('entries are kept by their numbers, each once, and a bounded number of them', () => {
  let entries: readonly AuditEntry[] = [];
  for (const number of [2, 1, 3, 2]) entries = addEntry(entries, entryOf(number));
  expect(entries.map(({ number }) => number)).toEqual([3, 2, 1]);
  for (let number = 4; number < 300; number += 1) entries = addEntry(entries, entryOf(number));
  expect([entries.length, entries[0]?.number]).toEqual([KEPT_ENTRIES, 299]);
});

test('says what is not the same before and after', () => {
  const before = { name: 'Alice', groups: ['a'], admin: false };
  expect(changedMembers({ before, after: { ...before, groups: ['a', 'b'], version: 2 } })).toEqual([
    { name: 'groups', old: ['a'], new: ['a', 'b'] },
    { name: 'version', old: undefined, new: 2 },
  ]);
  expect(changedMembers({ before: null, after: { name: 'Bob' } })).toEqual([
    { name: 'name', old: undefined, new: 'Bob' },
  ]);
  expect(changedMembers({ before: null, after: null })).toEqual([]);
});
