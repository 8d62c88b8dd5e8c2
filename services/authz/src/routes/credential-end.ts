import { uuidSchema } from '@tidewire/contract';
import type { CredentialType } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { endCredential } from '../credential-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireUnlimited } from './access.ts';

/** `DELETE {collection}/{id}`: ends a credential of one's own, or as an administrator anybody's. */
export function registerCredentialEnd(
  app: HttpServer,
  writer: RightsWriter,
  { collection, type }: { readonly collection: string; readonly type: CredentialType },
): void {
  app.delete(
    `${collection}/:id`,
    { schema: { params: z.object({ id: uuidSchema }) } },
    async (request, reply) => {
      const { principal } = requireUnlimited(request);
      const { id } = request.params;
      const author = authorOf(request);
      const ended = principal.admin
        ? await writer.writeAsAdmin(author, (client) =>
            endCredential(client, { type, id, principal: undefined }),
          )
        : await writer.write(author, (client) =>
            endCredential(client, { type, id, principal: principal.id }),
          );
      if (!ended) throw notFound();
      return reply.code(204).send();
    },
  );
}
