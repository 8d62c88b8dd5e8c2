import type { z } from 'zod';
import { problemSchema } from '../problem.ts';
import { PROTOCOL_VERSION } from '../http-header.ts';
import { ANSWER_HEADERS } from './answer-header.ts';
import { createJsonSchemas } from './json-schema.ts';
import type { JsonSchemas } from './json-schema.ts';
import { OPERATIONS } from './operation-table.ts';
import { OPERATION_TAGS } from './operation.ts';
import type { Operation, OperationAuthentication, OperationParameter, OperationTag } from './operation.ts';
import { describeAnswer, describeErrors, errorAnswerName, errorAnswersOf } from './openapi-answer.ts';
import type { ErrorAnswer } from './openapi-answer.ts';

type Json = Record<string, unknown>;

/** The parts of an OpenAPI 3.1 document that its readers here look at. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Json;
  readonly servers: readonly Json[];
  readonly tags: readonly { readonly name: OperationTag; readonly description: string }[];
  /** Path, then method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>;
    readonly responses: Readonly<Record<string, Json>>;
    readonly headers: Readonly<Record<string, Json>>;
    readonly securitySchemes: Readonly<Record<string, Json>>;
  };
}

const DESCRIPTION = `Records that stay up to date on every screen, and never show anyone more than they may see.

Everything is on one origin. A request carries one credential: \`Authorization: Bearer {token}\`, the session cookie, or
\`?token={token}\` where headers cannot be set. Errors are \`application/problem+json\` (RFC 9457) with a \`code\` to act on.
What is absent and what may not be seen are answered alike. Times are RFC 3339 in UTC with three decimals. Clients ignore
members that they do not know.`;

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A token: `Authorization: Bearer {token}`.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'tidewire_session',
    description: 'A session of a browser. Writes must come from a page of this origin.',
  },
  token: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'A token in the address, for EventSource and others that cannot set headers.',
  },
};

/** Any one of the three, or none where nobody has to say who they are. */
const SECURITY: Readonly<Record<OperationAuthentication, readonly Json[]>> = {
  required: [{ bearer: [] }, { session: [] }, { token: [] }],
  optional: [{ bearer: [] }, { session: [] }, { token: [] }, {}],
  none: [],
};

/**
 * The OpenAPI 3.1 document of these operations: all of them unless told otherwise. The same input gives the same document,
 * member by member, so that it can be compared as text.
 */
export function createOpenApi(operations: readonly Operation[] = OPERATIONS): OpenApiDocument {
  const schemas = createJsonSchemas([problemSchema, ...schemasOf(operations)], '#/components/schemas/');
  const paths: Record<string, Record<string, Json>> = {};
  const errors = new Map<string, ErrorAnswer>();
  for (const operation of operations) {
    for (const answer of errorAnswersOf(operation).values()) errors.set(errorAnswerName(answer), answer);
    const path = (paths[operation.path] ??= {});
    path[operation.method.toLowerCase()] = describeOperation(operation, schemas);
  }
  const responses = [...errors]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, answer]) => [name, describeErrors(answer, schemas)] as const);
  const sent = new Set(
    [...responses.map(([, response]) => response), ...Object.values(paths)].flatMap(headersIn),
  );
  const headers = Object.entries(ANSWER_HEADERS)
    .filter(([name]) => sent.has(name))
    .map(([name, { schema, ...rest }]) => [name, { ...rest, schema: schemas.of(schema) }] as const);
  const tags = new Set(operations.map(({ tag }) => tag));
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tidewire',
      version: PROTOCOL_VERSION,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The origin that this document came from.' }],
    tags: (Object.keys(OPERATION_TAGS) as OperationTag[])
      .filter((name) => tags.has(name))
      .map((name) => ({ name, description: OPERATION_TAGS[name] })),
    paths,
    components: {
      schemas: schemas.used(),
      responses: Object.fromEntries(responses),
      headers: Object.fromEntries(headers),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** Names of the headers that anything in here refers to. */
function headersIn(node: unknown): string[] {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref'
      ? (/^#\/components\/headers\/(.+)$/.exec(String(value))?.slice(1) ?? [])
      : headersIn(value),
  );
}

function describeOperation(operation: Operation, schemas: JsonSchemas): Json {
  const { id, tag, summary, description, authentication, parameters = [], body, answers } = operation;
  const responses: Json = {};
  for (const [status, answer] of Object.entries(answers)) responses[status] = describeAnswer(answer, schemas);
  for (const [status, answer] of errorAnswersOf(operation)) {
    responses[status] = { $ref: `#/components/responses/${errorAnswerName(answer)}` };
  }
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: SECURITY[authentication],
    ...(parameters.length > 0 && {
      parameters: parameters.map((parameter) => describeParameter(parameter, schemas)),
    }),
    ...(body && {
      requestBody: {
        required: body.required ?? true,
        content: Object.fromEntries(
          (body.mediaTypes ?? ['application/json']).map((mediaType) => [
            mediaType,
            { schema: schemas.of(body.schema), example: body.example },
          ]),
        ),
      },
    }),
    responses,
  };
}

function describeParameter(parameter: OperationParameter, schemas: JsonSchemas): Json {
  const { name, in: place, required = place === 'path', schema, description, example, style } = parameter;
  return {
    name,
    in: place,
    required,
    description,
    ...(style && { style, explode: true }),
    schema: schemas.of(schema),
    ...(example !== undefined && { example }),
  };
}

function schemasOf(operations: readonly Operation[]): z.ZodType[] {
  const headers = Object.values(ANSWER_HEADERS).map(({ schema }) => schema);
  const rest = operations.flatMap(({ parameters = [], body, answers, otherErrors }) => [
    ...(otherErrors ? [otherErrors.schema] : []),
    ...parameters.map(({ schema }) => schema),
    ...(body ? [body.schema] : []),
    ...Object.values(answers).flatMap(({ schema, events = {} }) => [
      ...(schema ? [schema] : []),
      ...Object.values(events),
    ]),
  ]);
  return [...headers, ...rest];
}
