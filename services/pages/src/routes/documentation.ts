import {
  DOCUMENTATION_PATHS,
  MESSAGES,
  TidewireError,
  createAsyncApi,
  createMessageSchema,
  createOpenApi,
} from '@tidewire/contract';
import type { MessageName } from '@tidewire/contract';
import type { HttpReply, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { renderDocumentation } from '../documentation/documentation-page.ts';

const params = z.object({ name: z.string() });

/**
 * `/api/docs`: what the API is, for people and for programs. Each document is made once, from the same table as everything
 * else, when it is asked for first: that takes a second, which a service that starts has better use for.
 */
export function documentationRoutes(app: HttpServer): void {
  const document = makeOnce(createOpenApi);
  const page = makeOnce(() => renderDocumentation(document()));
  const text = makeOnce(() => JSON.stringify(document()));
  const streams = makeOnce(() => JSON.stringify(createAsyncApi()));
  const schemas = new Map(
    (Object.keys(MESSAGES) as MessageName[])
      .filter((name) => MESSAGES[name].audience === 'public')
      .map((name) => [name as string, makeOnce(() => JSON.stringify(createMessageSchema(name)))]),
  );
  const open = { config: { authentication: 'none' } } as const;
  app.get(DOCUMENTATION_PATHS.page, open, async (_request, reply) =>
    sendText(reply, 'text/html; charset=utf-8', page()),
  );
  app.get(DOCUMENTATION_PATHS.document, open, async (_request, reply) =>
    sendText(reply, 'application/json', text()),
  );
  app.get(DOCUMENTATION_PATHS.streams, open, async (_request, reply) =>
    sendText(reply, 'application/json', streams()),
  );
  app.get(
    DOCUMENTATION_PATHS.schema.replace('{name}', ':name'),
    { ...open, schema: { params } },
    async (request, reply) => {
      const schema = schemas.get(request.params.name);
      if (schema === undefined) throw new TidewireError('NOT_FOUND', 'There is no message of this name.');
      return sendText(reply, 'application/schema+json', schema());
    },
  );
}

function makeOnce<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}

function sendText(reply: HttpReply, mediaType: string, text: string): HttpReply {
  return reply.header('content-type', mediaType).serializer(String).send(text);
}
