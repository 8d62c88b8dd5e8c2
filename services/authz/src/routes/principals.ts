import {
  TidewireError,
  newPrincipalSchema,
  pageQuerySchema,
  principalIdSchema,
  principalPageSchema,
  principalPatchSchema,
  principalViewSchema,
} from '@tidewire/contract';
import type { Principal } from '@tidewire/contract';
import type { HttpRequest, HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import { formatPage, pageRequest } from '../page.ts';
import {
  changePrincipal,
  findPrincipal,
  hasOtherAdmin,
  insertPrincipal,
  listPrincipals,
  lockPrincipal,
  removePrincipal,
} from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireAdmin, requireUnlimited } from './access.ts';
import { formatPrincipal } from './shapes.ts';

const paramsSchema = z.object({ id: principalIdSchema });

/** `/api/principals`: an administrator manages them; everybody sees themselves and nobody else. */
export function registerPrincipals(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  registerReads(app, pool);
  registerWrites(app, writer);
}

function registerReads(app: HttpServer, pool: Pool): void {
  app.get(
    '/api/principals',
    {
      schema: {
        querystring: pageQuerySchema,
        response: { 200: principalPageSchema },
      },
    },
    async (request) => {
      const { principal } = requireUnlimited(request);
      const page = pageRequest(request.query);
      if (!principal.admin) {
        const own = page.offset === 0 ? [formatPrincipal(principal)] : [];
        return formatPage({ results: own, total: 1 }, page);
      }
      const { results, total } = await listPrincipals(pool, page);
      return formatPage({ results: results.map(formatPrincipal), total }, page);
    },
  );
  app.get(
    '/api/principals/:id',
    { schema: { params: paramsSchema, response: { 200: principalViewSchema } } },
    async (request) => {
      requireSelfOrAdmin(request, request.params.id);
      const found = await findPrincipal(pool, request.params.id);
      if (found === undefined) throw notFound();
      return formatPrincipal(found);
    },
  );
}

function registerWrites(app: HttpServer, writer: RightsWriter): void {
  app.post(
    '/api/principals',
    {
      schema: {
        body: newPrincipalSchema,
        response: { 201: principalViewSchema },
      },
    },
    async (request, reply) => {
      requireAdmin(request);
      const { id, name, ...change } = request.body;
      const created = await writer.writeAsAdmin(authorOf(request), async (client) => {
        await insertPrincipal(client, { id, name, admin: false });
        await changePrincipal(client, id, change);
        return findPrincipal(client, id);
      });
      return reply.code(201).send(formatPrincipal(present(created)));
    },
  );
  app.patch(
    '/api/principals/:id',
    {
      schema: {
        params: paramsSchema,
        body: principalPatchSchema,
        response: { 200: principalViewSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      requireSelfOrAdmin(request, id);
      requireAdmin(request);
      const changed = await writer.writeAsAdmin(authorOf(request), async (client) => {
        if ((await lockPrincipal(client, id)) === undefined) throw notFound();
        await changePrincipal(client, id, request.body);
        return findPrincipal(client, id);
      });
      return formatPrincipal(present(changed));
    },
  );
  app.delete('/api/principals/:id', { schema: { params: paramsSchema } }, async (request, reply) => {
    const { id } = request.params;
    requireSelfOrAdmin(request, id);
    requireAdmin(request);
    await writer.writeAsAdmin(authorOf(request), async (client) => {
      const found = await lockPrincipal(client, id);
      if (found === undefined) throw notFound();
      if (found.admin && !(await hasOtherAdmin(client, id))) {
        throw new TidewireError('CONFLICT', 'This is the last administrator: make another one first.');
      }
      await removePrincipal(client, id);
    });
    return reply.code(204).send();
  });
}

/** Whether another principal exists is nothing for somebody who is no administrator. */
function requireSelfOrAdmin(request: HttpRequest, id: string): void {
  const { principal } = requireUnlimited(request);
  if (!principal.admin && principal.id !== id) throw notFound();
}

function present(principal: Principal | undefined): Principal {
  if (principal === undefined) throw notFound();
  return principal;
}
