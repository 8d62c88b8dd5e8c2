import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectStatus, openTestPlatform } from '../../test/platform.ts';
import type { Answer, Caller, RecordsTestPlatform } from '../../test/platform.ts';
import { createRecords, createRow, listRows } from '../../test/table.ts';

const ROUNDS = Number(process.env['TIDEWIRE_TEST_ROUNDS'] ?? 200);

let world: RecordsTestPlatform;
/** The same person at each of two processes of records. */
let [left, right]: Caller[] = [];

beforeAll(async () => {
  world = await openTestPlatform({}, 2);
  const alice = await world.createPrincipal(await world.createOrganisation());
  [left, right] = world.platform.records.map(({ url }) => world.at(alice, url));
});
afterAll(() => world[Symbol.asyncDispose]());

function both(): readonly [Caller, Caller] {
  if (left === undefined || right === undefined) throw new Error('two processes are expected');
  return [left, right];
}

const schema = {
  properties: { name: { type: 'string' }, winner: { type: 'string' } },
};

async function won(pending: Promise<Answer>): Promise<boolean> {
  const { status, body } = await pending;
  if (status === 200) return true;
  expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'CONFLICT' });
  return false;
}

test(
  'of batch, upsert, PATCH and plain SQL that hold one token for one record, exactly one writes',
  { timeout: 60_000 + ROUNDS * 500 },
  async () => {
    const [a, b] = both();
    const { path } = await createRecords(world, schema);
    const record = await createRow(a, path, { name: 'contested', winner: 'nobody' });
    const other = await createRow(a, path, { name: 'other', winner: 'nobody' });
    let { updatedAt } = record;
    let bystander = 'nobody';
    for (let round = 1; round <= ROUNDS; round += 1) {
      const fieldsOf = (name: string): { winner: string } => ({ winner: `${name} ${round}` });
      const patches = (name: string): unknown[] => [
        { id: record.id, fields: fieldsOf(name), updatedAt },
        { id: other.id, fields: fieldsOf(name) },
      ];
      const upserts = (name: string): unknown[] => [
        { fields: { name: 'contested', ...fieldsOf(name) }, updatedAt },
        { fields: { name: 'other', ...fieldsOf(name) } },
      ];
      const upsert = (who: Caller, records: unknown[]): Promise<Answer> =>
        who.post(`${path}/upsert`, { records, fieldsToMergeOn: ['name'] });
      // Rows are named in both orders: nobody may wait for somebody who waits for it.
      const results = await Promise.all([
        won(a.patch(`${path}/${record.id}`, { fields: fieldsOf('patch'), updatedAt })),
        won(b.patch(`${path}/${record.id}`, { ...fieldsOf('flat'), updatedAt })),
        won(a.call('PATCH', `${path}/batch`, { records: patches('batch') })),
        won(b.call('PATCH', `${path}/batch`, { records: patches('batch back').toReversed() })),
        won(upsert(a, upserts('upsert').toReversed())),
        won(upsert(b, upserts('upsert back'))),
        wonBySql(record.id, updatedAt, fieldsOf('sql')),
      ]);
      const names = ['patch', 'flat', 'batch', 'batch back', 'upsert', 'upsert back', 'sql'];
      const winners = names.filter((_, index) => results[index]);
      expect(winners).toHaveLength(1);
      const [winner = ''] = winners;
      if (/batch|upsert/.test(winner)) bystander = `${winner} ${round}`;
      const rows = await listRows(round % 2 === 0 ? a : b, path, 'sort=name');
      expect(rows.map(({ fields }) => fields['winner'])).toEqual([`${winner} ${round}`, bystander]);
      updatedAt = rows[0]?.updatedAt ?? '';
    }
    const object = await world.platform.sql<{ version: number }>(
      'select version::int from records.objects where uuid = $1',
      [record.id],
    );
    expect(object).toEqual([{ version: ROUNDS + 1 }]);
  },
);

async function wonBySql(uuid: string, updatedAt: string, fields: unknown): Promise<boolean> {
  const rows = await world.platform.sql(
    `update records.objects set properties = properties || $1::jsonb
     where uuid = $2 and updated = $3::timestamptz returning uuid`,
    [JSON.stringify(fields), uuid, updatedAt],
  );
  return rows.length > 0;
}

test(
  'of upserts that race for a key that there is not yet, one creates and the others change what it created',
  { timeout: 60_000 + ROUNDS * 500 },
  async () => {
    const [a, b] = both();
    const { path } = await createRecords(world, schema);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const keys = [`left ${round}`, `right ${round}`];
      const upsert = async (who: Caller, names: readonly string[], winner: string): Promise<number> => {
        const records = names.map((name) => ({ fields: { name, winner } }));
        const body = { records, matchFields: ['name'] };
        const answer = await expectStatus(200, who.post(`${path}/upsert`, body));
        expect(Number(answer.body['created']) + Number(answer.body['updated'])).toBe(names.length);
        return Number(answer.body['created']);
      };
      const created = await Promise.all([
        upsert(a, keys, '1'),
        upsert(b, keys.toReversed(), '2'),
        upsert(a, keys.toReversed(), '3'),
        upsert(b, keys, '4'),
      ]);
      expect(created.reduce((sum, count) => sum + count, 0)).toBe(2);
    }
    const { body } = await expectStatus(200, a.get(`${path}?limit=1`));
    expect(body['pagination']).toMatchObject({ total: 2 * ROUNDS });
  },
);
