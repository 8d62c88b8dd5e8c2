import {
  groupNameSchema,
  groupPageSchema,
  pageQueryShape,
  principalIdSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import { addGroupMember, listGroups, removeGroupMember } from '../group-repository-postgres.ts';
import { formatPage, pageRequest } from '../page.ts';
import { lockPrincipal } from '../principal-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireAdmin } from './access.ts';

const memberParamsSchema = z.object({
  organisation: uuidSchema,
  group: groupNameSchema,
  principal: principalIdSchema,
});
const MEMBER_PATH = '/api/groups/:organisation/:group/members/:principal';

/** `/api/groups`: an administrator's. Who is in a group is nobody else's to know; `/api/auth/me` shows one's own. */
export function registerGroups(app: HttpServer, pool: Pool, writer: RightsWriter): void {
  app.get(
    '/api/groups',
    {
      schema: {
        querystring: z.strictObject({ ...pageQueryShape, organisation: uuidSchema }),
        response: { 200: groupPageSchema },
      },
    },
    async (request) => {
      requireAdmin(request);
      const { organisation, ...query } = request.query;
      const page = pageRequest(query);
      return formatPage(await listGroups(pool, organisation, page), page);
    },
  );
  app.put(
    MEMBER_PATH,
    {
      schema: {
        params: memberParamsSchema,
      },
    },
    async (request, reply) => {
      requireAdmin(request);
      const { organisation, group, principal } = request.params;
      await writer.writeAsAdmin(authorOf(request), async (client) => {
        if ((await lockPrincipal(client, principal)) === undefined) throw notFound();
        await addGroupMember(client, { organisation, group }, principal);
      });
      return reply.code(204).send();
    },
  );
  app.delete(MEMBER_PATH, { schema: { params: memberParamsSchema } }, async (request, reply) => {
    requireAdmin(request);
    const { organisation, group, principal } = request.params;
    await writer.writeAsAdmin(authorOf(request), async (client) => {
      await lockPrincipal(client, principal);
      if (!(await removeGroupMember(client, { organisation, group }, principal))) throw notFound();
    });
    return reply.code(204).send();
  });
}
