import {
  QUERY_PARAMETERS,
  accessTokenPageSchema,
  pageQueryShape,
  principalIdSchema,
} from '@tidewire/contract';
import type { HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import { listAccessTokens } from '../oidc/access-token-repository-postgres.ts';
import { formatPage, pageRequest } from '../page.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { notFound, requireUnlimited } from './access.ts';
import { registerCredentialEnd } from './credential-end.ts';
import type { OnCredentialEnded } from './credential-end.ts';

export interface AccessTokenRoutesOptions {
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly onEnded: OnCredentialEnded;
}

/** `/api/auth/access-tokens`: those of issuers that were used. Everybody sees and ends their own, an administrator all. */
export function registerAccessTokens(app: HttpServer, options: AccessTokenRoutesOptions): void {
  const { pool, writer, onEnded } = options;
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
  registerCredentialEnd(app, writer, {
    collection: '/api/auth/access-tokens',
    type: 'access-token',
    onEnded,
  });
}
