import { compare } from '@tidewire/condition';
import type { Rule } from '@tidewire/contract';
import { expect, test } from 'vitest';
import { BEGINNING, Poller, alice, usePollWorld } from '../../test/poll-world.ts';
import { OTHER_ORGANISATION, SCHEMA, grantOf, member, viewWith } from '../../test/rights.ts';
import { parsePollCursor } from './poll-cursor.ts';

const world = usePollWorld();
const { insert, update, remove, poll, listed } = world;

test('a delete is told of only to who could see the last image, and only when asked for', async () => {
  const read: Rule[] = [{ group: 'authenticated', match: { status: 'open' } }];
  const decision = grantOf(viewWith({ authorization: { read } }), alice, 'list');
  const ids = {
    open: await insert({ status: 'open' }),
    closed: await insert({ status: 'dicht' }),
    owned: await insert({ status: 'dicht', owner: 'alice' }),
    foreign: await insert({ status: 'open', organisation: OTHER_ORGANISATION }),
    left: await insert({ status: 'open' }),
  };
  const start = (await poll(BEGINNING, { decision })).next;
  await update(ids.left, 'dicht');
  for (const uuid of Object.values(ids)) await remove(uuid);
  const page = await poll(start, { decision });
  expect(page.rows.map((row) => row.deleted && row.uuid)).toEqual([ids.open, ids.owned]);
  expect(page.rows[0]).toEqual({
    deleted: true,
    uuid: ids.open,
    version: 2,
    updated: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect((await poll(start, { decision, includeDeleted: false })).rows).toEqual([]);
});

test('a delete is told of whatever the filter, and not when the object is in the list again', async () => {
  const filter = compare('eq', 'status', 'open');
  const [gone, back, other] = [await insert({ status: 'open' }), await insert(), await insert()];
  const start = (await poll(BEGINNING, { filter })).next;
  await update(gone, 'dicht');
  for (const uuid of [gone, back, other]) await remove(uuid);
  await insert({ uuid: back, status: 'open' });
  await insert({ uuid: other, status: 'dicht' });
  const { rows } = await poll(start, { filter });
  expect(rows).toHaveLength(3);
  expect(rows).toContainEqual(expect.objectContaining({ deleted: true, uuid: gone }));
  expect(rows).toContainEqual(expect.objectContaining({ deleted: true, uuid: other }));
  expect(rows).toContainEqual(
    expect.objectContaining({ deleted: false, image: expect.objectContaining({ _uuid: back, _version: 3 }) }),
  );
});

test('a transfer to another organisation is a delete for those who had it', async () => {
  const uuid = await insert();
  const start = (await poll(BEGINNING)).next;
  await remove(uuid);
  await insert({ uuid, organisation: OTHER_ORGANISATION });
  await remove(uuid);
  expect((await poll(start)).rows).toMatchObject([{ deleted: true, uuid, version: 2 }]);
});

test('a restored object is told of as changed', async () => {
  const uuid = await insert();
  const poller = new Poller(world);
  await poller.round();
  await remove(uuid);
  await poller.round();
  expect(poller.objects.size).toBe(0);
  await world.database.records.query('select records.restore($1, $2, 2)', [uuid, SCHEMA]);
  await poller.round();
  expect(poller.objects).toEqual(new Map([[uuid, 3]]));
});

test('when the trash was emptied since, the reader begins again: nobody knows whom the deletes concern', async () => {
  const poller = new Poller(world);
  const [kept, gone] = [await insert(), await insert()];
  await poller.round();
  await remove(gone);
  expect(await world.repository.emptyTrash(0, 10)).toBe(1);
  expect((await poll(poller.cursor, { includeDeleted: false })).resync).toBeUndefined();
  await poller.round();
  expect(poller.resyncs).toEqual(['expired']);
  expect([...poller.objects.keys()]).toEqual([kept]);
  await poller.round();
  expect(poller.resyncs).toHaveLength(1);
});

test('a cursor of another log, or of another life of the database, answers everything from the beginning', async () => {
  const uuid = await insert();
  const { next } = await poll(BEGINNING);
  const cursor = parsePollCursor(next);
  for (const stale of [
    next.replace(cursor?.epoch ?? '', 'mwrd70tk'),
    next.replace(cursor?.store ?? '', 'aaaaaaaaaaaa'),
  ]) {
    const page = await poll(stale);
    expect(page).toMatchObject({ resync: 'epoch', rows: [{ image: { _uuid: uuid } }], more: false });
    expect((await poll(page.next)).resync).toBeUndefined();
  }
});

test('a cursor of other rights or of another question answers everything from the beginning', async () => {
  const secret = await insert({ status: 'dicht' });
  const read: Rule[] = [{ group: 'authenticated', match: { status: 'open' } }];
  const narrow = grantOf(viewWith({ authorization: { read } }), alice, 'list');
  const { next } = await poll(BEGINNING, { decision: narrow });
  expect((await poll(next, { decision: narrow })).resync).toBeUndefined();
  expect(await poll(next)).toMatchObject({ resync: 'rights-changed', rows: [{ image: { _uuid: secret } }] });
  for (const other of [
    { decision: grantOf(viewWith({ authorization: { read } }), member('bob'), 'list') },
    { decision: narrow, filter: compare('eq', 'status', 'x') },
    { decision: narrow, search: { text: 'x', fields: ['status'] } },
  ]) {
    expect((await poll(next, other)).resync).toBe('rights-changed');
  }
});

test('rows that came with the transactions of another server are told of like any others', async () => {
  const uuid = await insert();
  // A copy of a database brings numbers that this server has not reached.
  await world.database.owner.query('alter table records.objects disable trigger a_place');
  await world.database.owner.query(
    `update records.objects set transaction = '999999999999' where uuid = $1`,
    [uuid],
  );
  await world.database.owner.query('alter table records.objects enable always trigger a_place');
  const poller = new Poller(world);
  await poller.round();
  expect([...poller.objects.keys()]).toEqual([uuid]);
  expect((await poll(poller.cursor)).rows).toEqual([]);
  await update(uuid);
  await poller.round();
  expect(poller.objects).toEqual(await listed());
});
