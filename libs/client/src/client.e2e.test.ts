import { startPlatform, waitFor } from '@tidewire/test-kit';
import type { Platform } from '@tidewire/test-kit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createClient } from './client.ts';
import type { Client, ClientOptions } from './client-types.ts';
import { ConflictError } from './sources/conflict-error.ts';
import type { AnyTables, DataSource, LiveRow, RowConflict } from './sources/source.ts';

let platform: Platform;
const clients: Client<AnyTables>[] = [];

beforeAll(async () => {
  platform = await startPlatform({ demo: true });
}, 120_000);
afterAll(() => platform[Symbol.asyncDispose]());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function clientOf(name: string, options: Partial<ClientOptions> = {}): Client<AnyTables> {
  const client = createClient({ url: platform.origin, getToken: () => `demo-${name}`, ...options });
  clients.push(client);
  return client;
}

/** Listens until the test is over, and waits for what is to come. */
function follow(source: DataSource): { rows(): readonly LiveRow[]; state(): string } {
  source.subscribe(() => undefined);
  return { rows: () => source.getSnapshot().rows, state: () => source.getSnapshot().state };
}

async function listed(query: string, name = 'alice'): Promise<readonly unknown[]> {
  const response = await fetch(`${platform.origin}/api/tables/orders/records?${query}`, {
    headers: { authorization: `Bearer demo-${name}` },
  });
  const { records } = (await response.json()) as { records: { id: string; fields: unknown }[] };
  return records.map(({ id, fields }) => ({ id, fields }));
}

const shown = (rows: readonly LiveRow[]): readonly unknown[] =>
  rows.map(({ id, fields }) => ({ id, fields }));

const OPEN = { table: 'orders', filter: 'status:eq:new', sort: 'total:desc', limit: 50 } as const;
const QUERY = 'filter=status:eq:new&sort=total:desc&limit=50';

test.for(['websocket', 'sse', 'poll'] as const)(
  'over %s alone, rows are those of the list before and after others write, enter and leave',
  async (transport) => {
    const source = clientOf('alice', { transports: [transport] }).dataSource(OPEN);
    const live = follow(source);
    await waitFor(() => live.state() === 'live', { what: 'the source is live' });
    expect(shown(live.rows())).toEqual(await listed(QUERY));
    const other = clientOf('alice').dataSource({ table: 'orders', limit: 1000, refreshMode: 'static' });
    follow(other);
    await other.ready();
    const created = await other.insert({ customer: `${transport} one`, status: 'new', total: 12.5 });
    await other.insert({ customer: `${transport} two`, status: 'shipped', total: 99 });
    await waitFor(() => live.rows().some(({ id }) => id === created.id), { what: 'it is there' });
    await other.refetch();
    await other.update(created.id, { total: 1_000_000 });
    await waitFor(() => live.rows()[0]?.id === created.id, { what: 'it is the first' });
    expect(shown(live.rows())).toEqual(await listed(QUERY));
    await other.update(created.id, { status: 'shipped' });
    await waitFor(() => !live.rows().some(({ id }) => id === created.id), { what: 'it has left' });
    expect(shown(live.rows())).toEqual(await listed(QUERY));
  },
);

test('an edit is shown at once, and taken back when the server refuses it', async () => {
  const source = clientOf('alice').dataSource({ table: 'orders', sort: 'createdAt', limit: 10 });
  const live = follow(source);
  await waitFor(() => live.state() === 'live', { what: 'the source is live' });
  const row = live.rows()[0] as LiveRow;
  const writing = source.update(row.id, { total: 'no number' });
  await waitFor(() => live.rows()[0]?.pending === 'update', { what: 'it is shown' });
  expect(live.rows()[0]?.fields['total']).toBe('no number');
  await expect(writing).rejects.toMatchObject({ status: 400 });
  await waitFor(() => live.rows()[0]?.pending === null, { what: 'it is taken back' });
  expect(live.rows()[0]).toEqual(row);
});

test('who edits is told what somebody else wrote, and a stale save is refused with the server’s record', async () => {
  const [alice, bob] = [clientOf('alice'), clientOf('bob')];
  const options = { table: 'orders', filter: 'status:eq:new', sort: 'createdAt', limit: 10 };
  const [mine, theirs] = [alice.dataSource(options), bob.dataSource(options)];
  const [a, b] = [follow(mine), follow(theirs)];
  await waitFor(() => a.state() === 'live' && b.state() === 'live', { what: 'both are live' });
  const row = b.rows().find(({ id }) => a.rows().some((other) => other.id === id)) as LiveRow;
  const conflicts: RowConflict[] = [];
  mine.onConflict((conflict) => conflicts.push(conflict));
  const edit = mine.edit(row.id, ['customer']);
  await theirs.update(row.id, { customer: 'Bob was here' });
  await waitFor(() => conflicts.length === 1, { what: 'alice is told' });
  expect(conflicts[0]).toMatchObject({
    id: row.id,
    fields: ['customer'],
    theirs: { fields: { customer: 'Bob was here' } },
  });
  await edit.save({ customer: 'Alice all the same' });
  const stale = mine.edit(row.id, ['customer']);
  await waitFor(() => b.rows().find(({ id }) => id === row.id)?.fields['customer'] === 'Alice all the same', {
    what: 'bob sees it',
  });
  await theirs.update(row.id, { customer: 'Bob again' });
  stale.cancel();
  const { updatedAt: _old, ...rest } = row;
  const other = clientOf('alice').dataSource({ ...options, refreshMode: 'static' });
  follow(other);
  await other.ready();
  await theirs.update(row.id, { customer: 'Bob once more' });
  await expect(other.update(row.id, { customer: 'too late' })).rejects.toThrow(ConflictError);
  await expect(other.update(rest.id, { customer: 'too late' })).resolves.toMatchObject({
    fields: { customer: 'too late' },
  });
});

test('a client that is cut off comes back with its cursor, and fetches nothing again', async () => {
  let lists = 0;
  const counting: typeof fetch = async (input, init) => {
    if ((input as string).includes('/records?')) lists += 1;
    return await fetch(input, init);
  };
  const client = clientOf('alice', { runtime: { fetch: counting } });
  const source = client.dataSource(OPEN);
  const live = follow(source);
  await waitFor(() => live.state() === 'live', { what: 'the source is live' });
  const connections = await fetch(`${platform.origin}/api/connections?principal=alice`, {
    headers: { authorization: 'Bearer demo-admin' },
  });
  expect(((await connections.json()) as { connections: unknown[] }).connections.length).toBe(1);
  const before = lists;
  await platform.kill('fanout-gateway-1');
  await waitFor(() => live.state() === 'behind', { what: 'it says that it is behind' });
  await platform.restart('fanout-gateway-1', 'SIGKILL');
  const other = clientOf('alice').dataSource({ table: 'orders', limit: 1, refreshMode: 'static' });
  await other.ready();
  await other.insert({ customer: 'meanwhile', status: 'new', total: 3 });
  await waitFor(() => live.state() === 'live', { what: 'it is live again', timeoutMs: 60_000 });
  await waitFor(() => live.rows().some(({ fields }) => fields['customer'] === 'meanwhile'), {
    what: 'what was written meanwhile is there',
  });
  expect(shown(live.rows())).toEqual(await listed(QUERY));
  expect(lists).toBe(before);
});

test('people on a page see each other come and go', async () => {
  const [alice, bob] = [clientOf('alice'), clientOf('bob')];
  const page = alice.presence('/orders');
  page.subscribe(() => undefined);
  const names = (): string =>
    page
      .getSnapshot()
      .users.map(({ id }) => id)
      .join();
  await waitFor(() => page.getSnapshot().state === 'present', { what: 'alice is there' });
  bob.presence('/orders/').subscribe(() => undefined);
  await waitFor(() => names() === 'alice,bob', { what: 'bob came' });
  bob.close();
  await waitFor(() => names() === 'alice', { what: 'bob went' });
});

test('events of a topic come each once and in order, and go on where they were left', async () => {
  const seen: string[] = [];
  const wish = { topic: 'register/shop/schema/orders' };
  const writer = clientOf('alice').dataSource({ table: 'orders', limit: 1, refreshMode: 'static' });
  follow(writer);
  await writer.ready();
  const event = (one: { data: unknown }): void => {
    seen.push(String((one.data as { object?: { customer?: string } }).object?.customer));
  };
  const first = clientOf('alice').subscribe(wish, {
    event,
    live: (live) => seen.push(live ? 'live' : 'not'),
  });
  await waitFor(() => seen.includes('live'), { what: 'it is live' });
  await writer.insert({ customer: 'x1', status: 'new', total: 1 });
  await waitFor(() => seen.includes('x1'), { what: 'the first is there' });
  first.close();
  await writer.insert({ customer: 'x2', status: 'new', total: 1 });
  await writer.insert({ customer: 'x3', status: 'new', total: 1 });
  const { lastEventId } = first;
  clientOf('alice', { transports: ['sse'] }).subscribe({ ...wish, lastEventId }, { event });
  await waitFor(() => seen.includes('x3'), { what: 'the last is there' });
  expect(seen).toEqual(['live', 'x1', 'x2', 'x3']);
});

test('who is refused is told why, and is shown nothing', async () => {
  const source = clientOf('nobody', { getToken: () => 'wrong' }).dataSource(OPEN);
  expect(await source.ready()).toMatchObject({ rows: [], state: 'failed', error: { status: 401 } });
  const absent = clientOf('alice').dataSource({ table: 'nowhere' });
  expect(await absent.ready()).toMatchObject({ rows: [], state: 'failed', error: { code: 'NOT_FOUND' } });
});
