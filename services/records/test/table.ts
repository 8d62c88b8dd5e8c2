import { expectStatus, uniqueSlug } from './platform.ts';
import type { Answer, Caller, RecordsTestPlatform } from './platform.ts';

/** A record as the tables face answers it. */
export interface Row {
  readonly id: string;
  readonly fields: Record<string, unknown>;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly createdBy?: unknown;
  readonly updatedBy?: unknown;
}

/** A table and the path of its records. */
export interface TestRecords {
  readonly path: string;
  readonly schemaId: string;
  readonly table: string;
}

const properties = {
  name: { type: 'string', maxLength: 20 },
  status: { type: 'string', default: 'new' },
  total: { type: 'number' },
  rush: { type: 'boolean' },
  due: { type: 'string', format: 'date-time' },
  secret: { type: 'string', authorization: { read: ['chiefs'], update: ['chiefs'] } },
};

/** A table of its own with fields of several types, one of them for the group `chiefs` only. */
export async function createRecords(
  world: RecordsTestPlatform,
  schema: Record<string, unknown> = {},
): Promise<TestRecords> {
  const table = uniqueSlug('tab');
  const { schemaId } = await world.createTable({ table, properties, ...schema });
  return { path: `/api/tables/${table}/records`, schemaId, table };
}

export async function createRow(who: Caller, path: string, fields: Record<string, unknown>): Promise<Row> {
  const { body } = await expectStatus(201, who.post(path, { fields }));
  return body as unknown as Row;
}

/** The records of the first page. */
export async function listRows(who: Caller, path: string, query = ''): Promise<Row[]> {
  const { body } = await expectStatus(200, who.get(`${path}?${query}`));
  return body['records'] as Row[];
}

export function namesOf(rows: readonly Row[]): unknown[] {
  return rows.map(({ fields }) => fields['name']);
}

export function errorsOf({ body }: Answer): unknown {
  return body['errors'];
}
