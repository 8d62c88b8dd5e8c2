// @vitest-environment happy-dom
import { createElement, memo, startTransition, Suspense, useLayoutEffect, useState } from 'react';
import type { ReactNode } from 'react';
import { expect, test } from 'vitest';
import { useLiveTable } from '../src/live-table.ts';
import type { KeepPrevious, LiveTable, LiveTableOptions } from '../src/live-table.ts';
import { TidewireProvider } from '../src/provider.ts';
import { RETAIN_MS } from '../src/shared-source.ts';
import type { Fields } from '@tidewire/client';
import { FakeClient, REFUSED, row } from './fake-client.ts';
import { Screen } from './screen.ts';

type Options = LiveTableOptions<string> & KeepPrevious;

/** What the last render had, and how many there were. */
interface Seen {
  table: LiveTable<Fields>;
  renders: number;
}

function look(options: Options, seen: Partial<Seen> = {}): ReactNode {
  return createElement(Rows, { options, seen });
}

function Rows({ options, seen }: { options: Options; seen: Partial<Seen> }): ReactNode {
  const table = useLiveTable({ ...options });
  Object.assign(seen, { table, renders: (seen.renders ?? 0) + 1 });
  return `${table.state}:${table.rows.map(({ id }) => id).join()}`;
}

function tableOf(seen: Partial<Seen>): LiveTable<Fields> {
  if (seen.table === undefined) throw new Error('Nothing was rendered');
  return seen.table;
}

test('shows rows as they come, and their state', async () => {
  await using screen = new Screen();
  await screen.show(look({ table: 'orders' }));
  expect(screen.text).toBe('loading:');
  await screen.happen(() => screen.client.last.list(row('a'), row('b')));
  expect(screen.text).toBe('live:a,b');
  await screen.happen(() => screen.client.last.set({ state: 'behind' }));
  expect(screen.text).toBe('behind:a,b');
  expect(screen.client.last.options).toEqual({ table: 'orders' });
});

test('renders once when it is mounted and once for each change, whatever the source tells besides', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders' }, seen));
  expect(seen.renders).toBe(1);
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(seen.renders).toBe(2);
  await screen.happen(() => screen.client.last.set({}));
  expect(seen.renders).toBe(2);
});

test('components with options that mean the same share one source and one listener', async () => {
  await using screen = new Screen();
  const filter = { field: 'status', operator: 'equals', value: 'open' };
  const turned = { value: 'open', operator: 'equals', field: 'status' };
  const ten = Array.from({ length: 10 }, (_, index) =>
    createElement(Rows, {
      key: index,
      options:
        index % 2 === 0 ? { table: 'orders', filter } : { filter: turned, table: 'orders', sort: undefined },
      seen: {},
    }),
  );
  await screen.show(ten);
  expect(screen.client.sources).toHaveLength(1);
  expect(screen.client.last.listeners.size).toBe(1);
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a'.repeat(10));
});

test('literals that mean the same do not subscribe again, and functions stay the same', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders', filter: ['status:open'] }, seen));
  const { rows: _rows, ...before } = tableOf(seen);
  await screen.show(look({ table: 'orders', filter: ['status:open'] }, seen));
  const { rows: _again, ...after } = tableOf(seen);
  expect(seen.renders).toBe(2);
  expect(after).toEqual(before);
  for (const name of ['insert', 'update', 'delete', 'edit', 'refetch', 'dismissConflict'] as const) {
    expect(after[name]).toBe(before[name]);
  }
  expect(screen.client.last.subscribed).toBe(1);
});

test('strict mode neither makes a second source nor subscribes to it twice', async () => {
  await using screen = new Screen({ strict: true });
  await screen.show(look({ table: 'orders' }));
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a');
  expect(screen.client.sources).toHaveLength(1);
  expect(screen.client.last.subscribed).toBe(1);
});

test('who mounts again soon finds the rows at once; later everything has ended', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders' }));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.show(null);
  await screen.pass(RETAIN_MS - 1);
  await screen.show(look({ table: 'orders' }, seen));
  expect(screen.text).toBe('live:a');
  expect(seen.renders).toBe(1);
  await screen.show(null);
  await screen.pass(RETAIN_MS);
  expect(screen.client.open).toEqual([]);
  expect(screen.client.listeners).toBe(0);
  expect(screen.clock.armed).toBe(0);
  await screen.show(look({ table: 'orders' }));
  expect(screen.client.sources).toHaveLength(2);
});

test('a render that never becomes a component leaves no source behind', async () => {
  function Stuck(): ReactNode {
    useLiveTable({ table: 'orders' });
    // oxlint-disable-next-line typescript/only-throw-error -- what React waits for is thrown
    throw new Promise(() => {});
  }
  await using screen = new Screen({ strict: true });
  await screen.show(createElement(Suspense, { fallback: 'waiting' }, createElement(Stuck)));
  expect(screen.client.open).toHaveLength(1);
  expect(screen.client.listeners).toBe(0);
  await screen.pass(RETAIN_MS);
  expect(screen.client.open).toEqual([]);
  expect(screen.clock.armed).toBe(0);
});

test('a render that takes long keeps the rows that it has seen', async () => {
  const done = Promise.withResolvers<void>();
  let waits = true;
  function Slow(): ReactNode {
    const { rows, state } = useLiveTable({ table: 'orders' });
    // oxlint-disable-next-line typescript/only-throw-error -- what React waits for is thrown
    if (waits) throw done.promise;
    return `${state}:${rows.length}`;
  }
  await using screen = new Screen();
  await screen.show(look({ table: 'orders' }));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.show(null);
  await screen.pass(RETAIN_MS - 1);
  await screen.show(createElement(Suspense, { fallback: 'waiting' }, createElement(Slow)));
  await screen.pass(RETAIN_MS - 1);
  waits = false;
  await screen.happen(() => done.resolve());
  expect(screen.text).toBe('live:1');
  expect(screen.client.sources).toHaveLength(1);
});

test('another client has other rows', async () => {
  await using screen = new Screen();
  const other = new FakeClient();
  const page = (client: FakeClient): ReactNode =>
    createElement(TidewireProvider, { client, clock: screen.clock }, look({ table: 'orders' }));
  await screen.show(page(screen.client));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.show(page(other));
  expect(screen.text).toBe('loading:');
  await screen.happen(() => other.last.list(row('b')));
  expect(screen.text).toBe('live:b');
  await screen.pass(RETAIN_MS);
  expect(screen.client.open).toEqual([]);
});

test('other options show other rows: first none, then their own', async () => {
  await using screen = new Screen();
  await screen.show(look({ table: 'orders', filter: 'status:open' }));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.show(look({ table: 'orders', filter: 'status:closed' }));
  expect(screen.text).toBe('loading:');
  await screen.happen(() => screen.client.last.list(row('b')));
  expect(screen.text).toBe('live:b');
  await screen.pass(RETAIN_MS);
  expect(screen.client.open).toEqual([screen.client.last]);
});

test('keepPrevious shows the rows that were there until the others come, and says that they are loading', async () => {
  await using screen = new Screen();
  const options = { table: 'orders', keepPrevious: true };
  await screen.show(look({ ...options, filter: 'status:open' }));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.show(look({ ...options, filter: 'status:closed' }));
  expect(screen.text).toBe('loading:a');
  await screen.show(look({ ...options, filter: 'status:lost' }));
  expect(screen.text).toBe('loading:a');
  await screen.happen(() => screen.client.last.list(row('c')));
  expect(screen.text).toBe('live:c');
});

test('keepPrevious keeps no rows of another table, of other fields, or that were refused', async () => {
  await using screen = new Screen();
  const orders = { table: 'orders', keepPrevious: true };
  await screen.show(look(orders));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.show(look({ ...orders, table: 'customers' }));
  expect(screen.text).toBe('loading:');
  await screen.show(look({ ...orders, fields: ['status'] }));
  expect(screen.text).toBe('loading:');
  await screen.show(look(orders));
  await screen.happen(() => screen.client.open[0]?.refuse());
  await screen.show(look({ ...orders, filter: 'status:open' }));
  expect(screen.text).toBe('loading:');
});

test('initial rows are shown until there are others, and not for other options', async () => {
  await using screen = new Screen();
  const initialRows = [row('a')];
  await screen.show(look({ table: 'orders', initialRows }));
  expect(screen.text).toBe('loading:a');
  await screen.happen(() => screen.client.last.list(row('b')));
  expect(screen.text).toBe('live:b');
  await screen.show(look({ table: 'orders', initialRows, filter: 'status:open' }));
  expect(screen.text).toBe('loading:');
});

test('who is refused is shown nothing any more, told why, and may ask again', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders', initialRows: [row('a')] }, seen));
  await screen.happen(() => screen.client.last.refuse());
  expect(screen.text).toBe('failed:');
  expect(tableOf(seen).error).toBe(REFUSED);
  await screen.happen(() => tableOf(seen).refetch());
  expect(screen.text).toBe('loading:');
});

test('writes go to the source', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders' }, seen));
  await screen.happen(async () => {
    const { insert, update, delete: remove } = tableOf(seen);
    await insert({ status: 'new' });
    await update('a', { status: 'old' });
    await remove('a');
  });
  expect(screen.client.last.written).toEqual([
    ['insert', { status: 'new' }],
    ['update', 'a', { status: 'old' }],
    ['delete', 'a'],
  ]);
});

test('a write of a component that is gone for long is done, and leaves nothing behind', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders' }, seen));
  await screen.show(null);
  await screen.pass(RETAIN_MS);
  await screen.happen(() => tableOf(seen).insert({ status: 'late' }));
  expect(screen.client.last.written).toEqual([['insert', { status: 'late' }]]);
  await screen.pass(RETAIN_MS);
  expect(screen.client.open).toEqual([]);
});

test('a conflict is shown to all users of the rows, until one dismisses it or writes the record', async () => {
  await using screen = new Screen();
  const [one, other]: Partial<Seen>[] = [{}, {}];
  await screen.show([
    createElement(Rows, { key: 1, options: { table: 'orders' }, seen: one ?? {} }),
    createElement(Rows, { key: 2, options: { table: 'orders' }, seen: other ?? {} }),
  ]);
  const conflict = { id: 'a', fields: ['status'], mine: {}, theirs: null, by: null };
  await screen.happen(() => screen.client.last.tellConflict(conflict));
  expect(tableOf(one ?? {}).conflict).toBe(conflict);
  expect(tableOf(other ?? {}).conflict).toBe(conflict);
  await screen.happen(() => tableOf(one ?? {}).dismissConflict());
  expect(tableOf(other ?? {}).conflict).toBeNull();

  await screen.happen(() => screen.client.last.tellConflict(conflict));
  await screen.happen(() => tableOf(one ?? {}).update('b', {}));
  expect(tableOf(one ?? {}).conflict).toBe(conflict);
  await screen.happen(() =>
    tableOf(one ?? {})
      .edit('a', ['status'])
      .save({ status: 'mine' }),
  );
  expect(tableOf(one ?? {}).conflict).toBeNull();
});

test('edits are over when the component goes', async () => {
  await using screen = new Screen();
  const seen: Partial<Seen> = {};
  await screen.show(look({ table: 'orders' }, seen));
  tableOf(seen).edit('a', ['status']);
  const edit = tableOf(seen).edit('b', ['status']);
  expect(screen.client.last.openEdits.size).toBe(2);
  edit.cancel();
  expect(screen.client.last.openEdits.size).toBe(1);
  await screen.show(null);
  expect(screen.client.last.openEdits.size).toBe(0);
});

test('what is on the screen at one moment is of one moment, in transitions too', async () => {
  await using screen = new Screen();
  const frames: string[] = [];
  const shown: string[] = [];
  let interfere = (): void => {};
  let filterBy = (_filter: string): void => {};

  const Part = memo(function Part({ name, filter }: { name: string; filter: string }): ReactNode {
    const { rows } = useLiveTable({ table: 'orders', filter });
    const text = rows.map(({ id }) => id).join();
    useLayoutEffect(() => void (shown[name === 'first' ? 0 : 1] = text));
    return text;
  });
  /** Something happens while a tree is being rendered: half of it has seen the rows as they were. */
  function Middle({ filter }: { filter: string }): ReactNode {
    if (filter === 'status:closed') interfere();
    return null;
  }
  function Page(): ReactNode {
    const [filter, setFilter] = useState('status:open');
    filterBy = setFilter;
    useLayoutEffect(() => void frames.push(shown.join('|')));
    return [
      createElement(Part, { key: 1, name: 'first', filter }),
      createElement(Middle, { key: 2, filter }),
      createElement(Part, { key: 3, name: 'second', filter }),
    ];
  }

  const other = createElement(Rows, {
    key: 'other',
    options: { table: 'orders', filter: 'status:closed' },
    seen: {},
  });
  await screen.show([other, createElement(Page, { key: 'page' })]);
  const [closed, open] = screen.client.sources;
  await screen.happen(() => {
    closed?.list(row('c1'));
    open?.list(row('o1'));
  });
  interfere = () => {
    interfere = () => {};
    closed?.list(row('c1'), row('c2'));
  };
  await screen.happen(() => startTransition(() => filterBy('status:closed')));
  expect(frames.at(-1)).toBe('c1,c2|c1,c2');
  for (const frame of frames) {
    const [first, second] = frame.split('|');
    expect(first).toBe(second);
  }
});
