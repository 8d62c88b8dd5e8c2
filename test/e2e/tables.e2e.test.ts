import { startPlatform } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ demo: true });
}, 120_000);
afterAll(() => platform[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Row {
  readonly id: string;
  readonly fields: Record<string, unknown>;
  readonly updatedAt: string;
}

async function call(method: string, path: string, body?: unknown, token = 'demo-alice'): Promise<Answer> {
  const response = await fetch(new URL(path, platform.origin), {
    method,
    headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

async function firstRow(path: string): Promise<Row> {
  const { body } = await call('GET', path);
  const [row] = body['records'] as Row[];
  if (row === undefined) throw new Error(`${path} has no records`);
  return row;
}

test('two people who edit one order: the second is told, and nothing of the first is lost', async () => {
  const order = await firstRow('/api/tables/orders/records?filter=status:eq:processing&sort=createdAt:asc');
  const path = `/api/tables/orders/records/${order.id}`;
  const { updatedAt } = order;
  const won = await call('PATCH', path, { fields: { status: 'shipped' }, updatedAt });
  expect(won).toMatchObject({
    status: 200,
    body: { id: order.id, fields: { ...order.fields, status: 'shipped' }, updatedBy: { id: 'alice' } },
  });
  const lost = await call('PATCH', path, { fields: { status: 'cancelled' }, updatedAt }, 'demo-bob');
  expect(lost).toEqual({
    status: 409,
    body: {
      type: 'about:blank',
      title: 'Conflict with the stored state',
      status: 409,
      detail: 'The record was modified after you last read it. Reload the latest version and retry.',
      success: false,
      code: 'CONFLICT',
      message: 'The record was modified after you last read it. Reload the latest version and retry.',
    },
  });
  const latest = await call('GET', path, undefined, 'demo-bob');
  expect(latest.body).toEqual(won.body);
  const again = { status: 'cancelled', updatedAt: latest.body['updatedAt'] };
  expect(await call('PATCH', path, again, 'demo-bob')).toMatchObject({ status: 200 });
  expect(await call('PATCH', path, again, 'demo-carol')).toMatchObject({
    status: 404,
    body: { code: 'NOT_FOUND', message: 'Resource not found' },
  });
});

test('orders are listed as a data table asks for them', async () => {
  const filter = JSON.stringify({ and: [{ field: 'total', operator: 'greaterThan', value: 10 }] });
  const query = new URLSearchParams({
    page: '1',
    limit: '1',
    sort: 'total:desc',
    fields: 'customer,total',
    filter,
  });
  expect(await call('GET', `/api/tables/orders/records?${query.toString()}`)).toMatchObject({
    status: 200,
    body: {
      records: [{ fields: { customer: 'Jansen', total: 120.5 } }],
      pagination: { page: 1, limit: 1, total: 2, totalPages: 2, hasNextPage: true, hasPreviousPage: false },
    },
  });
});

test('stock is counted in by its article number, however often the count is sent', async () => {
  const count = {
    records: [
      { fields: { sku: 'BOLT-8', stock: 1180 } },
      { fields: { sku: 'BOLT-10', name: 'Bolt M10', stock: 40, warehouse: 'Zwolle' } },
    ],
    fieldsToMergeOn: ['sku'],
  };
  const path = '/api/tables/inventory/records/upsert';
  const first = await call('POST', path, count, 'demo-carol');
  expect(first).toMatchObject({ status: 200, body: { created: 1, updated: 1 } });
  const again = await call('POST', path, count, 'demo-carol');
  expect(again).toMatchObject({ status: 200, body: { created: 0, updated: 2 } });
  const [bolt] = again.body['records'] as Row[];
  expect(bolt?.fields).toEqual({ sku: 'BOLT-8', name: 'Bolt M8', stock: 1180, warehouse: 'Zwolle' });
  // Alice's organisation has an article of the same number: it is another one.
  expect(await call('POST', path, count)).toMatchObject({ status: 200, body: { created: 2, updated: 0 } });
});
