import {
  DOCUMENTATION_PATHS,
  MESSAGES,
  TidewireError,
  createMessageSchema,
  createOpenApi,
} from '@tidewire/contract';
import type { MessageName } from '@tidewire/contract';
import type { HttpReply, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { renderDocumentation } from '../documentation/documentation-page.ts';

const params = z.object({ name: z.string() });

/** `/api/docs`: what the API is, for people and for programs. Made once, from the same table as everything else. */
export function documentationRoutes(app: HttpServer): void {
  const document = createOpenApi();
  const page = renderDocumentation(document);
  const text = JSON.stringify(document);
  const schemas = new Map(
    (Object.keys(MESSAGES) as MessageName[])
      .filter((name) => MESSAGES[name].audience === 'public')
      .map((name) => [name as string, JSON.stringify(createMessageSchema(name))]),
  );
  const open = { config: { authentication: 'none' } } as const;
  app.get(DOCUMENTATION_PATHS.page, open, async (_request, reply) =>
    sendText(reply, 'text/html; charset=utf-8', page),
  );
  app.get(DOCUMENTATION_PATHS.document, open, async (_request, reply) =>
    sendText(reply, 'application/json', text),
  );
  app.get(
    DOCUMENTATION_PATHS.schema.replace('{name}', ':name'),
    { ...open, schema: { params } },
    async (request, reply) => {
      const schema = schemas.get(request.params.name);
      if (schema === undefined) throw new TidewireError('NOT_FOUND', 'There is no message of this name.');
      return sendText(reply, 'application/schema+json', schema);
    },
  );
}

function sendText(reply: HttpReply, mediaType: string, text: string): HttpReply {
  return reply.header('content-type', mediaType).serializer(String).send(text);
}
