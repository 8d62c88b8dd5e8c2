import { z } from 'zod';
import { GRAPHQL_MEDIA_TYPE, GRAPHQL_PATHS } from '../graphql.ts';
import { graphqlAnswerSchema, graphqlRequestSchema } from '../graphql-request.ts';
import type { Operation } from './operation.ts';
import { PARAMETERS } from './parameter.ts';

const EXAMPLE = '{ meldingen(filter: {status: "nieuw"}, first: 10) { nodes { _uuid titel } position } }';

const shared = {
  service: 'records',
  tag: 'graphql',
  authentication: 'optional',
  path: GRAPHQL_PATHS.operations,
  answers: {
    200: {
      description:
        'Data, errors or both. What a document is refused for comes with 200 as `application/json`, and with 400 as ' +
        `\`${GRAPHQL_MEDIA_TYPE}\`.`,
      schema: graphqlAnswerSchema,
      otherMediaTypes: [GRAPHQL_MEDIA_TYPE],
      example: {
        data: {
          meldingen: {
            nodes: [{ _uuid: '0b0e6a2c-43a5-4a3e-9d4b-1f4a8e2c7d10', titel: 'Stoeptegel' }],
            position: 'evt-mwrd70tk-000000000042',
          },
        },
      },
    },
  },
  otherErrors: { mediaType: GRAPHQL_MEDIA_TYPE, schema: graphqlAnswerSchema, statuses: [400, 405, 503] },
} as const;

/** GraphQL queries and mutations. */
export const GRAPHQL_OPERATIONS = [
  {
    ...shared,
    id: 'queryWithGraphql',
    method: 'GET',
    summary: 'Query with GraphQL',
    description:
      'As GraphQL over HTTP has it; mutations are refused. Types are those of the schemas that the caller may see. Errors of ' +
      'fields have their codes in `extensions.code`: a property that the caller may not read is null with `FIELD_FORBIDDEN`.',
    parameters: [
      {
        name: 'query',
        in: 'query',
        schema: z.string(),
        description: 'The document. May be absent beside `extensions.persistedQuery`.',
        example: EXAMPLE,
      },
      {
        name: 'operationName',
        in: 'query',
        schema: z.string(),
        description: 'Which operation of the document.',
        example: 'Open',
      },
      {
        name: 'variables',
        in: 'query',
        schema: z.string(),
        description: 'JSON text of its variables.',
        example: '{}',
      },
      {
        name: 'extensions',
        in: 'query',
        schema: z.string(),
        description: 'JSON text; `persistedQuery` names a document by its hash.',
        example: '{}',
      },
    ],
    errors: ['METHOD_NOT_ALLOWED'],
  },
  {
    ...shared,
    id: 'executeGraphql',
    method: 'POST',
    summary: 'Query or write with GraphQL',
    description:
      'The same in a body, mutations too. They are executed one after the other; each is what a request of its own would be.',
    body: { schema: graphqlRequestSchema, example: { query: EXAMPLE } },
  },
  {
    service: 'records',
    tag: 'graphql',
    id: 'openGraphqlExplorer',
    method: 'GET',
    path: GRAPHQL_PATHS.explorer,
    summary: 'Explore with GraphQL',
    description: 'A page for people who are signed in: GraphiQL, with the session of the browser.',
    authentication: 'required',
    answers: { 200: { description: 'The page.', mediaType: 'text/html' } },
  },
  {
    service: 'records',
    tag: 'graphql',
    id: 'readGraphqlExplorerFile',
    method: 'GET',
    path: `${GRAPHQL_PATHS.explorer}/{file}`,
    summary: 'Read a file of the explorer',
    authentication: 'none',
    parameters: [
      {
        name: 'file',
        in: 'path',
        schema: z.string(),
        description: 'Its name, as the page has it.',
        example: 'explorer.js',
      },
      PARAMETERS.ifNoneMatch,
    ],
    answers: {
      200: {
        description: 'The file.',
        mediaType: 'text/javascript',
        otherMediaTypes: ['text/css'],
        headers: ['ETag'],
      },
      304: { description: 'The caller has it.', headers: ['ETag'] },
    },
    errors: ['NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
