import { createClient } from '@tidewire/client';
import type { LiveRow } from '@tidewire/client';
import { createElement } from 'react';
import { expectTypeOf, test } from 'vitest';
import { TidewireProvider, useLiveRecord, useLiveTable } from '../src/index.ts';

/** Functions that are compiled and never run. */
function compiled(_component: () => unknown): void {}

test('without registered tables every table has every field, of values that nobody knows', () => {
  compiled(() => {
    const { rows, insert } = useLiveTable({ table: 'anything', fields: ['a'], sort: [{ field: 'b' }] });
    expectTypeOf(rows[0]?.fields['a']).toEqualTypeOf<unknown>();
    void insert({ anything: 1 });
    const { record } = useLiveRecord({ table: 'anything', id: 'a' });
    expectTypeOf(record).toEqualTypeOf<LiveRow<{ readonly [field: string]: unknown }> | null>();
    const url = 'https://tidewire.example';
    createElement(TidewireProvider, { client: createClient({ url }) });
    createElement(TidewireProvider, { client: createClient<{ orders: { status: string } }>({ url }) });
  });
});
