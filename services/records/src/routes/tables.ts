import { HTTP_HEADERS, TABLE_QUERY_PARAMETERS, TidewireError, uuidSchema } from '@tidewire/contract';
import type { TableBatchResult } from '@tidewire/contract';
import type { HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { single, unknownParameter } from '../objects/list-terms.ts';
import type { TableRecords, TableRequest } from '../tables/table-records.ts';
import { organisationOf, queryEntries, writeRequest } from './request.ts';

const collection = z.object({ table: z.string() });
const item = collection.extend({ id: z.string() });
const tags = ['tables'];
const COLLECTION = '/api/tables/:table/records';
const BATCH = `${COLLECTION}/batch`;
const ITEM = `${COLLECTION}/:id`;
/** Anonymous readers get what a `public` rule lets everybody read. */
const readable = { authentication: 'optional' } as const;
/** A thousand records of some kilobytes; one record alone is far smaller. */
const BATCH_BODY_BYTES = 8 * 1024 * 1024;

/** `/api/tables/{table}/records`: the objects of a schema as records. The table is its slug or the schema's id. */
export function tableRoutes(app: HttpServer, records: TableRecords): void {
  app.get(
    COLLECTION,
    {
      config: readable,
      schema: { tags, params: collection, summary: 'A page of the records that the caller may read' },
    },
    async (request, reply) => {
      const entries = queryEntries(request);
      const organisation = organisationOf(entries);
      const page = await records.list(request.principal, request.params.table, entries, organisation);
      void reply.header(HTTP_HEADERS.position, page.position);
      return page;
    },
  );
  app.get(
    ITEM,
    { config: readable, schema: { tags, params: item, summary: 'A record' } },
    async (request) => {
      const { table, id } = request.params;
      return await records.get(request.principal, table, requireId(id));
    },
  );
  app.post(
    COLLECTION,
    { schema: { tags, params: collection, body: z.unknown(), summary: 'Creates a record' } },
    async (request, reply) => {
      const created = await records.create(tableRequest(request, request.params), request.body);
      const path = `/api/tables/${encodeURIComponent(request.params.table)}/records/${created.id}`;
      return reply.code(201).header('location', path).send(created);
    },
  );
  app.patch(
    ITEM,
    { schema: { tags, params: item, body: z.unknown(), summary: 'Changes a record' } },
    async (request) => {
      const id = requireId(request.params.id);
      return await records.patch(tableRequest(request, request.params), id, request.body);
    },
  );
  app.delete(
    ITEM,
    { schema: { tags, params: item, summary: 'Deletes a record' } },
    async (request, reply) => {
      const permanent = isPermanent(request);
      const id = requireId(request.params.id);
      await records.remove(tableRequest(request, request.params), id, permanent);
      if (permanent) return { success: true };
      return reply.code(204).send();
    },
  );
  app.post(
    `${ITEM}/restore`,
    { schema: { tags, params: item, summary: 'Brings a deleted record back' } },
    async (request) => {
      const id = requireId(request.params.id);
      return { success: true, record: await records.restore(tableRequest(request, request.params), id) };
    },
  );
  batchRoutes(app, records);
}

function batchRoutes(app: HttpServer, records: TableRecords): void {
  type Batch = (request: TableRequest, body: unknown) => Promise<TableBatchResult>;
  const remove: Batch = (request, body) => records.removeMany(request, body);
  const rows: readonly (readonly ['POST' | 'PATCH' | 'DELETE', string, number, string, Batch])[] = [
    ['POST', BATCH, 201, 'Creates records', (request, body) => records.createMany(request, body)],
    ['PATCH', BATCH, 200, 'Changes records', (request, body) => records.patchMany(request, body)],
    ['DELETE', BATCH, 200, 'Deletes records', remove],
    ['POST', `${BATCH}/delete`, 200, 'Deletes records, for clients whose DELETE has no body', remove],
    [
      'POST',
      `${BATCH}/restore`,
      200,
      'Brings records back',
      (request, body) => records.restoreMany(request, body),
    ],
    [
      'POST',
      `${COLLECTION}/upsert`,
      200,
      'Changes the records that have a key, creates the others',
      (request, body) => records.upsert(request, body),
    ],
  ];
  for (const [method, url, status, summary, act] of rows) {
    app.route({
      method,
      url,
      bodyLimit: BATCH_BODY_BYTES,
      schema: { tags, params: collection, body: z.unknown(), summary },
      handler: async (request, reply) => {
        const result = await act(tableRequest(request, request.params), request.body);
        return reply.code(status).send(result);
      },
    });
  }
}

/** Who writes where; a write knows no parameters, and one that was ignored would be another write than was meant. */
function tableRequest(request: HttpRequest, { table }: { readonly table: string }): TableRequest {
  const known: readonly string[] = [
    TABLE_QUERY_PARAMETERS.token,
    ...(request.method === 'DELETE' ? [TABLE_QUERY_PARAMETERS.permanent] : []),
  ];
  const unknown = queryEntries(request).find(([name]) => !known.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], known);
  return writeRequest(request, { table });
}

function isPermanent(request: HttpRequest): boolean {
  const text = single(queryEntries(request), 'permanent') ?? 'false';
  if (text === 'true' || text === 'false') return text === 'true';
  throw new TidewireError('BAD_REQUEST', 'permanent is true or false.', {
    errors: [{ field: 'permanent', message: 'must be true or false' }],
  });
}

/** What is no UUID names nothing. */
function requireId(text: string): string {
  const parsed = uuidSchema.safeParse(text);
  if (!parsed.success) throw new TidewireError('NOT_FOUND', 'Resource not found');
  return parsed.data;
}
