import { uuidSchema } from '@tidewire/contract';
import type { CredentialType } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { endCredential } from '../credential-repository-postgres.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireUnlimited } from './access.ts';

export interface CredentialEndOptions {
  readonly collection: string;
  readonly type: CredentialType;
  /**
   * Waited for before the end is acknowledged, so that nothing that is written after that reaches its holder. Absent: of
   * credentials that let nobody in but where the log is followed anyway.
   */
  readonly onEnded?: OnCredentialEnded;
}

export type OnCredentialEnded = (ended: {
  readonly principal: string;
  readonly credential: string;
}) => Promise<void>;

/** `DELETE {collection}/{id}`: ends a credential of one's own, or as an administrator anybody's. */
export function registerCredentialEnd(
  app: HttpServer,
  writer: RightsWriter,
  { collection, type, onEnded }: CredentialEndOptions,
): void {
  app.delete(
    `${collection}/:id`,
    { schema: { params: z.object({ id: uuidSchema }) } },
    async (request, reply) => {
      const { principal } = requireUnlimited(request);
      const { id } = request.params;
      const author = authorOf(request);
      const owner = principal.admin
        ? await writer.writeAsAdmin(author, (client) =>
            endCredential(client, { type, id, principal: undefined }),
          )
        : await writer.write(author, (client) =>
            endCredential(client, { type, id, principal: principal.id }),
          );
      if (owner === undefined) throw notFound();
      await onEnded?.({ principal: owner, credential: id });
      return reply.code(204).send();
    },
  );
}
