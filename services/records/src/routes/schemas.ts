import type { HttpServer } from '@tidewire/service-kit';
import { requirePrincipal } from '@tidewire/service-kit';
import { z } from 'zod';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { newSchemaBodySchema, schemaPatchBodySchema } from '../catalogue/definition.ts';
import { catalogueRequest } from './request.ts';

const params = z.object({ schema: z.string() });
const querystring = z.looseObject({ register: z.string().optional() });

/** `/api/schemas`: what the objects of a register look like, and the rules they are judged by. */
export function schemaRoutes(app: HttpServer, catalogue: Catalogue): void {
  app.get('/api/schemas', { schema: { querystring } }, async (request) => {
    const results = await catalogue.listSchemas(requirePrincipal(request), request.query.register);
    return { results, total: results.length };
  });
  app.post(
    '/api/schemas',
    {
      schema: { body: newSchemaBodySchema },
    },
    async (request, reply) => {
      const schema = await catalogue.createSchema(catalogueRequest(request), request.body);
      return reply
        .code(201)
        .header('location', `/api/schemas/${String(schema['id'])}`)
        .send(schema);
    },
  );
  app.get('/api/schemas/:schema', { schema: { params } }, (request) =>
    catalogue.getSchema(requirePrincipal(request), request.params.schema),
  );
  app.patch(
    '/api/schemas/:schema',
    {
      schema: {
        params,
        body: schemaPatchBodySchema,
      },
    },
    (request) => catalogue.patchSchema(catalogueRequest(request), request.params.schema, request.body),
  );
  app.delete('/api/schemas/:schema', { schema: { params } }, async (request, reply) => {
    await catalogue.removeSchema(catalogueRequest(request), request.params.schema);
    return reply.code(204).send();
  });
}
