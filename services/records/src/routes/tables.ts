import { TABLE_QUERY_PARAMETERS } from '@tidewire/contract';
import type { TableBatchResult } from '@tidewire/contract';
import type { HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { organisationOf, unknownParameter } from '../objects/list-terms.ts';
import { readVersion } from '../objects/object-body.ts';
import { requireUuid } from '../objects/object-uuid.ts';
import { ABSENT } from '../tables/table-refusal.ts';
import type { RowCondition, TableRecords, TableRequest } from '../tables/table-records.ts';
import { sendTagged } from './entity-tag.ts';
import { ifMatch, isPermanent, queryEntries, writeRequest } from './request.ts';

const collection = z.object({ table: z.string() });
const item = collection.extend({ id: z.string() });
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
      schema: { params: collection },
    },
    async (request, reply) => {
      const entries = queryEntries(request);
      const organisation = organisationOf(entries);
      const page = await records.list(request.principal, request.params.table, entries, organisation);
      const { position, next, ...content } = page;
      const place = { position, ...(next === undefined ? {} : { next }) };
      return sendTagged(request, reply, { content, place, position });
    },
  );
  app.get(ITEM, { config: readable, schema: { params: item } }, async (request, reply) => {
    const { table, id } = request.params;
    refuseParameters(request, [TABLE_QUERY_PARAMETERS.token]);
    const { record: content, ...rest } = await records.get(request.principal, table, requireUuid(id, ABSENT));
    return sendTagged(request, reply, { content, ...rest });
  });
  app.post(COLLECTION, { schema: { params: collection, body: z.unknown() } }, async (request, reply) => {
    const created = await records.create(tableRequest(request, request.params), request.body);
    const path = `/api/tables/${encodeURIComponent(request.params.table)}/records/${created.id}`;
    return reply.code(201).header('location', path).send(created);
  });
  app.patch(ITEM, { schema: { params: item, body: z.unknown() } }, async (request) => {
    const row = rowOf(request, request.params.id);
    return await records.patch(tableRequest(request, request.params), row, request.body);
  });
  app.delete(ITEM, { schema: { params: item } }, async (request, reply) => {
    const permanent = isPermanent(request);
    const row = rowOf(request, request.params.id);
    const write = tableRequest(request, request.params, [TABLE_QUERY_PARAMETERS.permanent]);
    await records.remove(write, row, permanent);
    if (permanent) return { success: true };
    return reply.code(204).send();
  });
  app.post(`${ITEM}/restore`, { schema: { params: item } }, async (request) => {
    const id = requireUuid(request.params.id, ABSENT);
    return { success: true, record: await records.restore(tableRequest(request, request.params), id) };
  });
  batchRoutes(app, records);
}

function batchRoutes(app: HttpServer, records: TableRecords): void {
  type Batch = (request: TableRequest, body: unknown) => Promise<TableBatchResult>;
  const remove: Batch = (request, body) => records.removeMany(request, body);
  const rows: readonly (readonly ['POST' | 'PATCH' | 'DELETE', string, number, Batch])[] = [
    ['POST', BATCH, 201, (request, body) => records.createMany(request, body)],
    ['PATCH', BATCH, 200, (request, body) => records.patchMany(request, body)],
    ['DELETE', BATCH, 200, remove],
    // For clients whose DELETE has no body.
    ['POST', `${BATCH}/delete`, 200, remove],
    ['POST', `${BATCH}/restore`, 200, (request, body) => records.restoreMany(request, body)],
    ['POST', `${COLLECTION}/upsert`, 200, (request, body) => records.upsert(request, body)],
  ];
  for (const [method, url, status, act] of rows) {
    app.route({
      method,
      url,
      bodyLimit: BATCH_BODY_BYTES,
      schema: { params: collection, body: z.unknown() },
      handler: async (request, reply) => {
        const result = await act(tableRequest(request, request.params), request.body);
        return reply.code(status).send(result);
      },
    });
  }
}

/** Who writes where. */
function tableRequest(
  request: HttpRequest,
  { table }: { readonly table: string },
  known: readonly string[] = [],
): TableRequest {
  refuseParameters(request, [TABLE_QUERY_PARAMETERS.token, ...known]);
  return writeRequest(request, { table });
}

/** A parameter that was ignored would be another request than was meant. */
function refuseParameters(request: HttpRequest, known: readonly string[]): void {
  const unknown = queryEntries(request).find(([name]) => !known.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], known);
}

/** The record of a write, and the version that it must still have. */
function rowOf(request: HttpRequest, id: string): RowCondition {
  return { uuid: requireUuid(id, ABSENT), version: readVersion(undefined, ifMatch(request)) };
}
