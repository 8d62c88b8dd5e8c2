import { HTTP_HEADERS, QUERY_PARAMETERS, TidewireError, newOwnerSchema } from '@tidewire/contract';
import type { HttpReply, HttpRequest, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { organisationOf, single } from '../objects/list-terms.ts';
import { readObjectBody, readVersion } from '../objects/object-body.ts';
import type { PresentedObject } from '../objects/object-access.ts';
import type { ObjectReader } from '../objects/object-reader.ts';
import { requireUuid } from '../objects/object-uuid.ts';
import type { ObjectWriter } from '../objects/object-writer.ts';
import { sendTagged } from './entity-tag.ts';
import { ifMatch, isPermanent, queryEntries, writeRequest } from './request.ts';

const collection = z.object({ register: z.string(), schema: z.string() });
const item = collection.extend({ uuid: z.string() });
const COLLECTION = '/api/objects/:register/:schema';
const ITEM = `${COLLECTION}/:uuid`;
/** Anonymous readers get what a `public` rule lets everybody read. */
const readable = { authentication: 'optional' } as const;

/** `/api/objects/{register}/{schema}`: the objects of a schema. Register and schema are ids or slugs. */
export function objectRoutes(app: HttpServer, reader: ObjectReader, writer: ObjectWriter): void {
  app.get(
    COLLECTION,
    {
      config: readable,
      schema: { params: collection },
    },
    async (request, reply) => {
      const entries = queryEntries(request);
      const page = await reader.list(request.principal, request.params, entries, organisationOf(entries));
      const { _position: position, _next: next, ...content } = page;
      const place = { _position: position, ...(next === undefined ? {} : { _next: next }) };
      return sendTagged(request, reply, { content, place, position });
    },
  );
  app.post(COLLECTION, { schema: { params: collection, body: z.unknown() } }, async (request, reply) => {
    const body = readObjectBody(request.body, undefined);
    const created = first(await writer.create(writeRequest(request, request.params), [body]));
    const { registerSlug, schemaSlug, uuid } = created;
    void reply.code(201).header('location', `/api/objects/${registerSlug}/${schemaSlug}/${uuid}`);
    return answer(reply, created);
  });
  app.get(ITEM, { config: readable, schema: { params: item } }, async (request, reply) => {
    const { uuid } = request.params;
    const found = await reader.get(request.principal, request.params, requireUuid(uuid));
    const { object: content, version, position } = found;
    return sendTagged(request, reply, { content, version, position });
  });
  for (const [method, mode] of [
    ['PUT', 'replace'],
    ['PATCH', 'merge'],
  ] as const) {
    app.route({
      method,
      url: ITEM,
      schema: { params: item, body: z.unknown() },
      handler: async (request, reply) => {
        const uuid = requireUuid(request.params.uuid);
        const body = readObjectBody(request.body, ifMatch(request));
        const changed = await writer.change(writeRequest(request, request.params), mode, [{ uuid, body }]);
        return answer(reply, first(changed));
      },
    });
  }
  app.delete(ITEM, { schema: { params: item } }, async (request, reply) => {
    const uuid = requireUuid(request.params.uuid);
    const objects = [{ uuid, version: deletedVersion(request) }];
    await writer.remove(writeRequest(request, request.params), {
      objects,
      permanent: isPermanent(request),
    });
    return reply.code(204).send();
  });
  app.put(`${ITEM}/owner`, { schema: { params: item, body: newOwnerSchema } }, async (request, reply) => {
    const { owner, _version: inBody } = request.body;
    const uuid = requireUuid(request.params.uuid);
    const version = readVersion(inBody, ifMatch(request));
    const { register, schema } = request.params;
    const given = await writer.transfer(writeRequest(request, { register, schema }), {
      uuid,
      version,
      owner,
    });
    return answer(reply, given);
  });
}

function first<Item>([only]: readonly Item[]): Item {
  if (only === undefined) throw new Error('the write answered nothing');
  return only;
}

function answer(reply: HttpReply, { object, version }: PresentedObject): Record<string, unknown> {
  void reply.header(HTTP_HEADERS.version, version);
  return object;
}

/** The condition of a delete: `If-Match`, `_version` in the query, or in a body. */
function deletedVersion(request: HttpRequest): number | undefined {
  const entries = queryEntries(request);
  // A parameter that was ignored here would be a delete of another kind than the caller meant.
  const known = new Set<string>(['_version', QUERY_PARAMETERS.permanent, QUERY_PARAMETERS.token]);
  const unknown = entries.find(([name]) => !known.has(name));
  if (unknown !== undefined) {
    throw new TidewireError('BAD_REQUEST', `A delete takes no parameter '${unknown[0].slice(0, 100)}'.`);
  }
  const text = single(entries, '_version');
  const { body } = request;
  const inBody =
    typeof body === 'object' && body !== null ? new Map(Object.entries(body)).get('_version') : undefined;
  return readVersion(text === undefined ? inBody : Number(text), ifMatch(request));
}
