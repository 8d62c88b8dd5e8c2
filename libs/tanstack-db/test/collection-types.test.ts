import { createCollection } from '@tanstack/db';
import { createClient } from '@tidewire/client';
import type { Client } from '@tidewire/client';
import { expectTypeOf, test } from 'vitest';
import { tidewireCollectionOptions } from '../src/collection-options.ts';

/** As `npx tidewire types` writes them. */
interface Tables {
  'orders': { customer: string; note?: string; status: 'new' | 'processing'; total?: number };
  'sales-invoices': { paid?: boolean };
}

/** Functions that are compiled and never run. */
function compiled(_use: (client: Client<Tables>) => unknown): void {}

test('rows have the fields of the table and an id, and only fields of the table can be changed', () => {
  compiled((client) => {
    const orders = createCollection(tidewireCollectionOptions({ client, table: 'orders' }));
    const order = orders.get('a');
    expectTypeOf(order?.status).toEqualTypeOf<'new' | 'processing' | undefined>();
    expectTypeOf(order?.id).toEqualTypeOf<string | undefined>();
    orders.insert({ id: 'mine', customer: 'Ada', status: 'new' });
    orders.update('a', (draft) => {
      draft.status = 'processing';
      delete draft.note;
      // @ts-expect-error -- no such value
      draft.status = 'lost';
      // @ts-expect-error -- no such field
      draft.state = 'new';
    });
    // @ts-expect-error -- no such field
    orders.insert({ id: 'mine', customer: 'Ada', status: 'new', state: 'new' });
    expectTypeOf(orders.utils.getSource().getSnapshot().rows[0]?.fields.total).toEqualTypeOf<
      number | undefined
    >();
  });
});

test('a table or a field that there is not does not compile', () => {
  compiled((client) => {
    // @ts-expect-error -- no such table
    tidewireCollectionOptions({ client, table: 'order' });
    // @ts-expect-error -- no such field
    tidewireCollectionOptions({ client, table: 'orders', fields: ['state'] });
    // @ts-expect-error -- a field of another table
    tidewireCollectionOptions({ client, table: 'orders', filter: { field: 'paid', operator: 'isTrue' } });
    const some = createCollection(tidewireCollectionOptions({ client, table: 'orders', fields: ['status'] }));
    // @ts-expect-error -- not asked for
    void some.get('a')?.total;
  });
});

test('of a client that knows no tables every table can be asked for', () => {
  compiled(() => {
    const client = createClient({ url: 'https://tidewire.example' });
    const rows = createCollection(tidewireCollectionOptions({ client, table: 'anything' }));
    rows.insert({ id: 'mine', anything: 1 });
    expectTypeOf(rows.get('a')?.['anything']).toEqualTypeOf<unknown>();
  });
});
