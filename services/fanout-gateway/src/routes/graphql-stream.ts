import type { IncomingMessage } from 'node:http';
import {
  GRAPHQL_LIMITS,
  GRAPHQL_PATHS,
  GRAPHQL_STREAM_TOKEN_HEADER,
  QUERY_PARAMETERS,
  TidewireError,
  graphqlOperationSchema,
  operationIdSchema,
} from '@tidewire/contract';
import type { Admission, Reader } from '@tidewire/rights';
import { parseInput, readCredential } from '@tidewire/service-kit';
import type { CredentialCarrier, GivenCredential, HttpRequest, HttpServer } from '@tidewire/service-kit';
import type { GraphqlStreams } from '../graphql/graphql-streams.ts';
import { admitRequest } from './admit-request.ts';
import { openStream, streamRoute } from './open-stream.ts';
import type { StreamRouteOptions } from './open-stream.ts';
import { onlyValue } from './poll-query.ts';
import { badParameter, readQuery, unknownParameter } from './subscription-query.ts';

export interface GraphqlStreamRouteOptions extends StreamRouteOptions {
  readonly graphqlStreams: GraphqlStreams;
  /** Like `admit`, for those who come again and again. */
  readonly admitAgain: (credential: GivenCredential) => Promise<Admission>;
  /** @throws TidewireError while nothing is known of anybody's rights. */
  readonly requireRights: () => void;
}

const OPERATION_ID = 'operationId';
const KNOWN: readonly string[] = [QUERY_PARAMETERS.token];
const KNOWN_TO_DELETE: readonly string[] = [QUERY_PARAMETERS.token, OPERATION_ID];
/** A document and its variables in any script: their limits count characters, of up to three bytes. */
const MAX_BODY_BYTES = 3 * (GRAPHQL_LIMITS.maxDocumentBytes + GRAPHQL_LIMITS.maxVariablesBytes);

/** An operation that names itself. */
const namedOperationSchema = graphqlOperationSchema.refine(
  ({ extensions }) => operationIdSchema.safeParse(extensions?.[OPERATION_ID]).success,
  {
    path: ['extensions', OPERATION_ID],
    message: 'has to be 1 to 128 characters: how you call the operation',
  },
);

/**
 * `/api/graphql/stream`, GraphQL over SSE in its single connection mode: PUT reserves a stream, GET opens it, POST sends an
 * operation whose results come on the stream, DELETE ends one.
 */
export function registerGraphqlStreamRoute(app: HttpServer, options: GraphqlStreamRouteOptions): void {
  const { graphqlStreams } = options;
  const path = GRAPHQL_PATHS.stream;
  const { config, errorHandler } = streamRoute(options);

  app.put(path, {
    config,
    errorHandler,
    handler: async (request, reply) => {
      const token = await asCaller(request, options, async (reader) => {
        requireParameters(request, KNOWN);
        return await graphqlStreams.reserve(reader, options.addressOf(request.raw));
      });
      return await reply.code(201).header('content-type', 'text/plain; charset=utf-8').send(token);
    },
  });

  app.get(path, {
    ...streamRoute(options),
    handler: (request, reply) =>
      openStream(request, reply, { ...options, credentialSource: withoutStreamToken }, async (place) => {
        requireParameters(request, KNOWN);
        await graphqlStreams.open(place, requireToken(request));
      }),
  });

  app.post(path, {
    config,
    errorHandler,
    bodyLimit: MAX_BODY_BYTES,
    handler: async (request, reply) => {
      await asCaller(request, options, async ({ principalId: principal }) => {
        requireParameters(request, KNOWN);
        const stream = requireToken(request);
        const operation = parseInput(namedOperationSchema, request.body, 'body');
        const operationId = String(operation.extensions?.[OPERATION_ID]);
        await graphqlStreams.subscribe({ action: 'subscribe', stream, principal, operationId, operation });
      });
      return await reply.code(202).send();
    },
  });

  app.delete(path, {
    config,
    errorHandler,
    handler: async (request, reply) => {
      await asCaller(request, options, async ({ principalId: principal }) => {
        requireParameters(request, KNOWN_TO_DELETE);
        const stream = requireToken(request);
        const operationId = onlyValue(readQuery(request.url), OPERATION_ID);
        if (!operationIdSchema.safeParse(operationId).success || operationId === undefined) {
          throw badParameter(OPERATION_ID, `${OPERATION_ID} says which operation ends: 1 to 128 characters`);
        }
        await graphqlStreams.complete({ action: 'complete', stream, principal, operationId });
      });
      return await reply.code(200).send();
    },
  });
}

/** Runs as whoever the request's credential says. */
async function asCaller<T>(
  request: HttpRequest,
  options: GraphqlStreamRouteOptions,
  act: (reader: Reader) => Promise<T>,
): Promise<T> {
  options.requireRights();
  const { admitAgain: admit } = options;
  const own = { ...options, admit, credentialSource: withoutStreamToken };
  const admission = await admitRequest(request.raw, own, 'write');
  try {
    return await act(admission.reader);
  } finally {
    admission.release();
  }
}

/**
 * Where the credential of a request to these paths is: `?token=` is one unless there is another, in the head. Then it is what
 * clients of graphql-sse send there, the name of their stream.
 */
function withoutStreamToken(request: IncomingMessage): CredentialCarrier {
  const { headers, headersDistinct } = request;
  const head = { headers, headersDistinct };
  return readCredential(head) === undefined ? request : head;
}

/** The stream that a request names. @throws TidewireError BAD_REQUEST for none, and for two different ones. */
function requireToken({ raw, url, headers }: HttpRequest): string {
  const header = headers[GRAPHQL_STREAM_TOKEN_HEADER];
  const isCredential = withoutStreamToken(raw) === raw;
  const query = isCredential ? undefined : onlyValue(readQuery(url), QUERY_PARAMETERS.token);
  const token = typeof header === 'string' ? header : query;
  if (query !== undefined && token !== query) {
    throw badParameter(QUERY_PARAMETERS.token, 'Header and address name different streams');
  }
  if (token === undefined) {
    throw new TidewireError('BAD_REQUEST', `Name the stream: ${GRAPHQL_STREAM_TOKEN_HEADER}`);
  }
  return token;
}

/** @throws TidewireError BAD_REQUEST */
function requireParameters({ url }: HttpRequest, known: readonly string[]): void {
  const unknown = readQuery(url).entries.find(([name]) => !known.includes(name));
  if (unknown !== undefined) throw unknownParameter(unknown[0], known);
}
