// @vitest-environment happy-dom
import { Component, createElement, startTransition, Suspense, useState } from 'react';
import type { ReactNode } from 'react';
import { expect, test } from 'vitest';
import { useLiveTable, useLiveTableSuspense } from '../src/live-table.ts';
import type { LiveTableOptions } from '../src/live-table.ts';
import { REFUSED_MS, RETAIN_MS, WAIT_MS } from '../src/shared-source.ts';
import { REFUSED, row } from './fake-client.ts';
import { Screen } from './screen.ts';

type Options = LiveTableOptions<string>;

function Rows({ options }: { options: Options }): ReactNode {
  const { rows, state } = useLiveTableSuspense(options);
  return `${state}:${rows.map(({ id }) => id).join()}`;
}

function PlainRows(): ReactNode {
  return `${useLiveTable({ table: 'orders' }).state} `;
}

function waiting(options: Options, fallback = 'waiting'): ReactNode {
  return createElement(Suspense, { fallback }, createElement(Rows, { options }));
}

/** Shows what went wrong, and forgets it when a test says so. */
class Boundary extends Component<
  { children?: ReactNode; made: (boundary: Boundary) => void },
  { error: unknown }
> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidMount(): void {
    this.props.made(this);
  }

  reset(): void {
    this.setState({ error: null });
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === null ? this.props.children : `error:${(error as Error).message}`;
  }
}

test('a component is not rendered before there are rows, and its rows are live afterwards', async () => {
  await using screen = new Screen({ strict: true });
  await screen.show(waiting({ table: 'orders' }));
  expect(screen.text).toBe('waiting');
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a');
  await screen.happen(() => screen.client.last.list(row('a'), row('b')));
  expect(screen.text).toBe('live:a,b');
  expect(screen.client.sources).toHaveLength(1);
  expect(screen.client.last.subscribed).toBe(1);
});

test('who waits longer than a source is kept goes on waiting on the same source', async () => {
  await using screen = new Screen();
  await screen.show(waiting({ table: 'orders' }));
  await screen.pass(WAIT_MS);
  await screen.pass(WAIT_MS);
  expect(screen.text).toBe('waiting');
  expect(screen.client.sources).toHaveLength(1);
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a');
});

test('a source for which nobody waits any more ends', async () => {
  await using screen = new Screen();
  await screen.show(waiting({ table: 'orders' }));
  await screen.show(null);
  await screen.pass(WAIT_MS);
  await screen.pass(RETAIN_MS);
  expect(screen.client.open).toEqual([]);
  expect(screen.client.listeners).toBe(0);
  expect(screen.clock.armed).toBe(0);
});

test('a refusal goes to the error boundary, and who tries again asks the server again', async () => {
  await using screen = new Screen();
  let boundary: Boundary | undefined;
  const made = (one: Boundary): void => void (boundary = one);
  await screen.show(createElement(Boundary, { made }, waiting({ table: 'orders' })));
  await screen.happen(() => screen.client.last.refuse());
  expect(screen.text).toBe(`error:${REFUSED.message}`);
  expect(screen.client.sources).toHaveLength(1);
  await screen.pass(REFUSED_MS);
  await screen.happen(() => boundary?.reset());
  expect(screen.text).toBe('waiting');
  expect(screen.client.sources).toHaveLength(2);
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a');
});

test('rows that may not be seen any more go, and the boundary is told', async () => {
  await using screen = new Screen();
  let boundary: Boundary | undefined;
  const made = (one: Boundary): void => void (boundary = one);
  await screen.show(createElement(Boundary, { made }, waiting({ table: 'orders' })));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.happen(() => screen.client.last.refuse());
  expect(screen.text).toBe(`error:${REFUSED.message}`);
  await screen.pass(REFUSED_MS);
  await screen.happen(() => boundary?.reset());
  expect(screen.text).toBe('waiting');
});

test('rows that came after a refusal are kept as others are', async () => {
  await using screen = new Screen();
  let boundary: Boundary | undefined;
  const made = (one: Boundary): void => void (boundary = one);
  const plain = createElement(PlainRows, { key: 'plain' });
  const page = createElement(Boundary, { key: 'page', made }, waiting({ table: 'orders' }));
  await screen.show([plain, page]);
  await screen.happen(() => screen.client.last.refuse());
  await screen.happen(() => screen.client.last.refetch());
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.happen(() => boundary?.reset());
  expect(screen.text).toBe('live live:a');
  await screen.show(null);
  await screen.pass(REFUSED_MS);
  expect(screen.client.open).toHaveLength(1);
});

test('components that wait for the same rows wait together', async () => {
  await using screen = new Screen();
  const ten = Array.from({ length: 10 }, (_, key) =>
    createElement(
      Suspense,
      { key, fallback: 'waiting ' },
      createElement(Rows, { options: { table: 'orders' } }),
    ),
  );
  await screen.show(ten);
  expect(screen.client.sources).toHaveLength(1);
  expect(screen.clock.armed).toBe(1);
  await screen.happen(() => screen.client.last.list(row('a')));
  expect(screen.text).toBe('live:a'.repeat(10));
});

test('a client that was closed is told of, and not waited for', async () => {
  await using screen = new Screen();
  await screen.show(createElement(Boundary, { made: () => {} }, waiting({ table: 'orders' })));
  await screen.happen(() => screen.client.close());
  expect(screen.text).toBe('error:The client was closed');
});

test('other options suspend; in a transition the rows that are there stay until the others come', async () => {
  await using screen = new Screen();
  let filterBy = (_filter: string): void => {};
  function Page(): ReactNode {
    const [filter, setFilter] = useState('status:open');
    filterBy = setFilter;
    return waiting({ table: 'orders', filter });
  }
  await screen.show(createElement(Page));
  await screen.happen(() => screen.client.last.list(row('a')));
  await screen.happen(() => startTransition(() => filterBy('status:closed')));
  expect(screen.text).toBe('live:a');
  expect(screen.client.last.options.filter).toBe('status:closed');
  await screen.happen(() => screen.client.last.list(row('b')));
  expect(screen.text).toBe('live:b');
  await screen.happen(() => filterBy('status:lost'));
  expect(screen.text).toContain('waiting');
});

test('with initial rows nothing waits', async () => {
  await using screen = new Screen();
  await screen.show(waiting({ table: 'orders', initialRows: [row('a')] }));
  expect(screen.text).toBe('loading:a');
  await screen.happen(() => screen.client.last.list(row('b')));
  expect(screen.text).toBe('live:b');
});
