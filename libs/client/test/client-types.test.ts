import { expectTypeOf, test } from 'vitest';
import type { Client } from '../src/client-types.ts';
import type { LiveRow } from '../src/sources/source.ts';

interface Orders {
  status: 'new' | 'shipped';
  customer?: string;
  total?: number;
}
interface Tables {
  orders: Orders;
}
declare const client: Client<Tables>;

/** Never called: what counts is whether it compiles. */
export function compiles(): void {
  const all = client.dataSource({ table: 'orders', filter: 'status:eq:new', sort: [{ field: 'total' }] });
  expectTypeOf(all.getSnapshot().rows).toEqualTypeOf<readonly LiveRow<Pick<Orders, keyof Orders>>[]>();
  const some = client.dataSource({ table: 'orders', fields: ['status'], sort: [{ field: 'createdAt' }] });
  expectTypeOf(some.getSnapshot().rows).toEqualTypeOf<readonly LiveRow<Pick<Orders, 'status'>>[]>();
  void some.update('id', { total: 3, customer: null });
  some.edit('id', ['customer']);
  // @ts-expect-error -- there is no such table
  client.dataSource({ table: 'nowhere' });
  // @ts-expect-error -- no such field to show
  client.dataSource({ table: 'orders', fields: ['colour'] });
  // @ts-expect-error -- no such field to sort by
  client.dataSource({ table: 'orders', sort: [{ field: 'colour' }] });
  // @ts-expect-error -- no such field in the condition
  client.dataSource({ table: 'orders', filter: { field: 'colour', operator: 'eq', value: 1 } });
  // @ts-expect-error -- no such value
  void some.insert({ status: 'lost' });
  // @ts-expect-error -- what was not asked for is not there
  expectTypeOf(some.getSnapshot().rows[0]?.fields.total).toBeUndefined();
}

test('rows have the fields that were asked for, and whatever the table does not have is an error', () => {
  expectTypeOf(compiles).toBeFunction();
});
