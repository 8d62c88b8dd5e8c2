import {
  QUERY_PARAMETERS,
  accessTokenPageSchema,
  pageQueryShape,
  principalIdSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import { endAccessToken, listAccessTokens } from '../oidc/access-token-repository-postgres.ts';
import { formatPage, pageRequest } from '../page.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireUnlimited } from './access.ts';

/** `/api/auth/access-tokens`: those of issuers that were used. Everybody sees and ends their own, an administrator all. */
export function registerAccessTokens(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  app.get(
    '/api/auth/access-tokens',
    {
      schema: {
        querystring: z.strictObject({ ...pageQueryShape, principal: principalIdSchema.optional() }),
        response: { 200: accessTokenPageSchema },
      },
    },
    async (request) => {
      const { principal } = requireUnlimited(request);
      const { principal: wanted, ...query } = request.query;
      const page = pageRequest({
        [QUERY_PARAMETERS.limit]: query._limit,
        [QUERY_PARAMETERS.offset]: query._offset,
      });
      if (!principal.admin && wanted !== undefined && wanted !== principal.id) throw notFound();
      return formatPage(await listAccessTokens(pool, principal.admin ? wanted : principal.id, page), page);
    },
  );
  app.delete(
    '/api/auth/access-tokens/:id',
    { schema: { params: z.object({ id: uuidSchema }) } },
    async (request, reply) => {
      const { principal } = requireUnlimited(request);
      const { id } = request.params;
      const ended = principal.admin
        ? await writer.writeAsAdmin(authorOf(request), (client) => endAccessToken(client, id, undefined))
        : await writer.write(authorOf(request), (client) => endAccessToken(client, id, principal.id));
      if (!ended) throw notFound();
      return reply.code(204).send();
    },
  );
}
