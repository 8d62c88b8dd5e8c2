// @vitest-environment happy-dom
import type { Fields } from '@tidewire/client';
import { createElement } from 'react';
import type { ReactNode } from 'react';
import { expect, test } from 'vitest';
import { useLiveRecord } from '../src/live-record.ts';
import type { LiveRecord, LiveRecordOptions } from '../src/live-record.ts';
import { row } from './fake-client.ts';
import { Screen } from './screen.ts';

const seen: LiveRecord<Fields>[] = [];

function Detail(options: LiveRecordOptions<string>): ReactNode {
  const record = useLiveRecord(options);
  seen.push(record);
  return `${record.state}:${record.record?.id ?? 'none'}`;
}

function last(): LiveRecord<Fields> {
  const record = seen.at(-1);
  if (record === undefined) throw new Error('Nothing was rendered');
  return record;
}

test('asks for the one record, and shows that it is gone while it stays live', async () => {
  await using screen = new Screen();
  await screen.show(createElement(Detail, { table: 'orders', id: 'a', fields: ['status'] }));
  expect(screen.client.last.options).toEqual({
    table: 'orders',
    filter: { field: 'id', operator: 'equals', value: 'a' },
    fields: ['status'],
    limit: 1,
  });
  expect(screen.text).toBe('loading:none');
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a');
  await screen.happen(() => screen.client.last.list());
  expect(screen.text).toBe('live:none');
});

test('shows the record that the app gives until there is the own one, and not for another id', async () => {
  await using screen = new Screen();
  await screen.show(createElement(Detail, { table: 'orders', id: 'a', initialRecord: row('a') }));
  expect(screen.text).toBe('loading:a');
  await screen.show(createElement(Detail, { table: 'orders', id: 'b', initialRecord: row('a') }));
  expect(screen.text).toBe('loading:none');
});

test('writes name the record themselves, by functions that stay the same', async () => {
  await using screen = new Screen();
  await screen.show(createElement(Detail, { table: 'orders', id: 'a' }));
  const { update, delete: remove, edit } = last();
  await screen.happen(() => screen.client.last.list(row('a')));
  expect([last().update, last().delete, last().edit]).toEqual([update, remove, edit]);
  await screen.happen(async () => {
    await update({ status: 'old' });
    await edit(['status']).save({ status: 'older' });
    await remove();
  });
  expect(screen.client.last.written).toEqual([
    ['update', 'a', { status: 'old' }],
    ['update', 'a', { status: 'older' }],
    ['delete', 'a'],
  ]);
});
