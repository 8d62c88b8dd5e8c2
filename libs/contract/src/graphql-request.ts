import { z } from 'zod';
import { graphqlErrorSchema } from './graphql.ts';

/** A document by the SHA-256 of its text, in hexadecimal digits: sent with the text once, instead of it from then on. */
export const persistedQuerySchema = z.looseObject({
  version: z.int(),
  sha256Hash: z.string().regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits'),
});
export type PersistedQuery = z.infer<typeof persistedQuerySchema>;

/** A query or mutation as GraphQL over HTTP carries it. `query` may be absent beside `extensions.persistedQuery`. */
export const graphqlRequestSchema = z.object({
  query: z.string().optional(),
  operationName: z.string().nullable().optional(),
  variables: z.record(z.string(), z.unknown()).nullable().optional(),
  extensions: z.looseObject({ persistedQuery: persistedQuerySchema.optional() }).nullable().optional(),
});
export type GraphqlRequestBody = z.infer<typeof graphqlRequestSchema>;

/** The answer to it. Without `data` nothing was executed. */
export const graphqlAnswerSchema = z.object({
  data: z.record(z.string(), z.unknown()).nullable().optional(),
  errors: z.array(graphqlErrorSchema).min(1).optional(),
  extensions: z
    .object({
      /** Errors of single fields beyond those that are told: their fields are null like the others. */
      errorsLeftOut: z.int().min(1).optional(),
    })
    .optional(),
});
export type GraphqlAnswer = z.infer<typeof graphqlAnswerSchema>;
