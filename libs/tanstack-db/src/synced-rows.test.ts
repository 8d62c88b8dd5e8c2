import type { LiveRow, SourceSnapshot } from '@tidewire/client';
import { expect, test } from 'vitest';
import { SyncedRows } from './synced-rows.ts';
import type { Sink } from './synced-rows.ts';

function row(id: string, status: string): LiveRow {
  return { id, fields: { status }, createdAt: '', updatedAt: '', pending: null };
}

function live(...rows: LiveRow[]): SourceSnapshot {
  return { rows, total: rows.length, state: 'live', asOf: 1, error: null };
}

/** What a collection is told, in order. */
function record(): { told: unknown[]; sink: Sink } {
  const told: unknown[] = [];
  const sink: Sink = {
    begin: () => void told.push('begin'),
    write: (message) => void told.push(message),
    commit: () => {
      told.push('commit');
      return true;
    },
    markReady: () => void told.push('ready'),
    markError: (error) => void told.push(error),
  };
  return { told, sink };
}

test('a snapshot is told as what differs from the one before, at once', () => {
  const { told, sink } = record();
  const rows = new SyncedRows(sink, (shown) => (shown as { id: string }).id);
  const [a, b] = [row('a', 'new'), row('b', 'new')];
  rows.take(live(a, b));
  rows.take(live(b, a));
  expect(told.splice(0)).toEqual([
    'begin',
    { type: 'insert', value: { id: 'a', status: 'new' } },
    { type: 'insert', value: { id: 'b', status: 'new' } },
    'commit',
    'ready',
  ]);
  rows.take(live(b, row('a', 'old')));
  rows.take(live(b));
  expect(told).toEqual([
    'begin',
    { type: 'update', value: { id: 'a', status: 'old' } },
    'commit',
    'begin',
    { type: 'delete', key: 'a' },
    'commit',
  ]);
});

test('a table without rows is ready, too', () => {
  const { told, sink } = record();
  new SyncedRows(sink, () => '').take(live());
  expect(told).toEqual(['ready']);
});

test('before there are rows nothing is told', () => {
  const { told, sink } = record();
  new SyncedRows(sink, () => '').take({ ...live(), state: 'loading', asOf: null });
  expect(told).toEqual([]);
});
