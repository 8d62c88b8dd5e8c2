/** The hooks in an app that registered its tables: a project of its own, because what is registered counts everywhere in one. */
import { createClient } from '@tidewire/client';
import type { LiveRow } from '@tidewire/client';
import { createElement } from 'react';
import { expectTypeOf, test } from 'vitest';
import {
  TidewireProvider,
  useClient,
  useLiveRecord,
  useLiveTable,
  useLiveTableSuspense,
} from '../../src/index.ts';

interface Orders {
  customer: string;
  note?: string;
  status: 'new' | 'processing';
  total?: number;
}

/** As `npx tidewire types` writes them. */
interface Tables {
  'orders': Orders;
  'sales-invoices': { paid?: boolean };
}

declare module '../../src/index.ts' {
  interface Register {
    tables: Tables;
  }
}

/** Functions that are compiled and never run. */
function compiled(_component: () => unknown): void {}

test('rows have the fields of the table', () => {
  compiled(() => {
    const { rows } = useLiveTable({ table: 'orders' });
    expectTypeOf(rows).toEqualTypeOf<readonly LiveRow<Orders>[]>();
    expectTypeOf(useLiveTable({ table: 'sales-invoices' }).rows[0]?.fields.paid).toEqualTypeOf<
      boolean | undefined
    >();
  });
});

test('rows have only the fields that were asked for', () => {
  compiled(() => {
    const { rows } = useLiveTable({ table: 'orders', fields: ['status', 'note'] });
    expectTypeOf(rows).toEqualTypeOf<readonly LiveRow<Pick<Orders, 'status' | 'note'>>[]>();
    // @ts-expect-error -- not asked for
    void rows[0]?.fields.total;
    const suspended = useLiveTableSuspense({ table: 'orders', fields: ['status'] });
    expectTypeOf(suspended.rows).toEqualTypeOf<readonly LiveRow<Pick<Orders, 'status'>>[]>();
    const { record } = useLiveRecord({ table: 'orders', id: 'a', fields: ['total'] });
    expectTypeOf(record).toEqualTypeOf<LiveRow<Pick<Orders, 'total'>> | null>();
  });
});

test('a table or a field that there is not does not compile', () => {
  compiled(() => {
    // @ts-expect-error -- no such table
    useLiveTable({ table: 'order' });
    // @ts-expect-error -- no such field
    useLiveTable({ table: 'orders', fields: ['state'] });
    // @ts-expect-error -- a field of another table
    useLiveTable({ table: 'orders', filter: { field: 'paid', operator: 'isTrue' } });
    // @ts-expect-error -- no such field
    useLiveTable({ table: 'orders', sort: [{ field: 'state' }] });
    // @ts-expect-error -- no such field
    useLiveRecord({ table: 'orders', id: 'a', fields: ['state'] });
    useLiveTable({
      table: 'orders',
      sort: [{ field: 'createdAt' }],
      filter: { field: 'id', operator: 'isNotNull' },
    });
  });
});

test('every field of the table can be written, whichever are shown, and no other', () => {
  compiled(() => {
    const { insert, update, edit } = useLiveTable({ table: 'orders', fields: ['status'] });
    void insert({ customer: 'Ada', total: 3 });
    void update('a', { note: 'later' });
    void edit('a', ['total']).save({ total: 4 });
    // @ts-expect-error -- no such field
    void insert({ client: 'Ada' });
    // @ts-expect-error -- no such value
    void update('a', { status: 'lost' });
    // @ts-expect-error -- no such field
    edit('a', ['totals']);
    const record = useLiveRecord({ table: 'orders', id: 'a' });
    void record.update({ status: 'processing' });
    // @ts-expect-error -- no such value
    void record.update({ status: 'lost' });
  });
});

test('the client that is provided has the registered tables', () => {
  compiled(() => {
    const url = 'https://tidewire.example';
    createElement(TidewireProvider, { client: createClient<Tables>({ url }) });
    expectTypeOf(useClient().dataSource({ table: 'orders' }).getSnapshot().rows).toEqualTypeOf<
      readonly LiveRow<Orders>[]
    >();
  });
});
