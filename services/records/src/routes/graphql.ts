import { GRAPHQL_PATHS } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import type { GraphqlHandler } from '../graphql/graphql-handler.ts';
import { queryEntries } from './request.ts';

/** `/api/graphql`: queries and mutations. Anonymous readers get what a `public` rule lets everybody read. */
export function graphqlRoutes(app: HttpServer, handle: GraphqlHandler): void {
  app.route({
    method: ['GET', 'POST'],
    url: GRAPHQL_PATHS.operations,
    config: { authentication: 'optional' },
    handler: async (request, reply) => {
      const { principal: who, correlationId, traceparent } = request;
      const { status, headers, body } = await handle({
        method: request.method,
        entries: queryEntries(request),
        body: request.body,
        accept: request.headers.accept,
        asker: { who, correlationId, traceparent },
      });
      return reply.code(status).headers(headers).serializer(String).send(body);
    },
  });
}
