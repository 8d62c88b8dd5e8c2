import { setImmediate } from 'node:timers/promises';
import { createCollection } from '@tanstack/db';
import type { ChangeMessage } from '@tanstack/db';
import { tidewireCollectionOptions } from '../src/collection-options.ts';
import { FakeClient } from './fake-table.ts';
import type { FakeTable } from './fake-table.ts';

export interface Order {
  status: string;
  total?: number | null;
}

export interface Row extends Order {
  readonly id: string;
}

/** Everything that was caused has happened: all of it is microtasks. */
export async function settled(): Promise<void> {
  await setImmediate();
}

/** What a promise is rejected with; listens from now on. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => 'not rejected',
    (error: unknown) => error,
  );
}

/** A collection, everything that it told, and what it had after each telling. */
export async function open(orders: Record<string, Order> = {}) {
  const fake = new FakeClient<{ orders: Order }>();
  const collection = createCollection(tidewireCollectionOptions({ client: fake.client, table: 'orders' }));
  const changes: Pick<ChangeMessage<object>, 'type' | 'key'>[] = [];
  const seen: Row[][] = [];
  const rows = (): Row[] =>
    collection.toArray.map(({ id, status, total }) => ({
      id,
      status,
      ...(total !== undefined && { total }),
    }));
  collection.subscribeChanges((told) => {
    changes.push(...told.map(({ type, key }) => ({ type, key })));
    seen.push(rows());
  });
  const table: FakeTable = fake.last;
  for (const [id, fields] of Object.entries(orders)) table.server(id, { ...fields });
  table.live();
  await collection.preload();
  changes.length = 0;
  seen.length = 0;
  const close = async (): Promise<void> => await collection.cleanup();
  return { fake, collection, table, changes, seen, rows, [Symbol.asyncDispose]: close };
}
