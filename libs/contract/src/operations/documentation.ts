import { z } from 'zod';
import type { Operation } from './operation.ts';

const shared = { tag: 'operation', authentication: 'none' } as const;

/** Where the documentation is on the one origin. */
export const DOCUMENTATION_PATHS = Object.freeze({
  page: '/api/docs',
  document: '/api/docs/openapi.json',
  streams: '/api/docs/asyncapi.json',
  schema: '/api/docs/schemas/{name}.json',
} as const);

const jsonDocumentSchema = z.looseObject({});

/** `/livez` of the origin. */
export const livenessSchema = z.object({ status: z.literal('ok') });
/** `/readyz` of the origin: every service behind it, and whether a process of it can answer. */
export const readinessSchema = z.object({
  status: z.enum(['ready', 'away']),
  services: z.record(z.string(), z.enum(['ready', 'away'])),
});

/** The documentation itself, and the probes of the origin. */
export const DOCUMENTATION_OPERATIONS = [
  {
    ...shared,
    service: 'pages',
    id: 'readDocumentation',
    method: 'GET',
    path: DOCUMENTATION_PATHS.page,
    summary: 'This documentation, for people',
    answers: { 200: { description: 'A page.', mediaType: 'text/html' } },
  },
  {
    ...shared,
    service: 'pages',
    id: 'readOpenApi',
    method: 'GET',
    path: DOCUMENTATION_PATHS.document,
    summary: 'This documentation, as OpenAPI 3.1',
    answers: {
      200: { description: 'The document.', schema: jsonDocumentSchema, example: { openapi: '3.1.1' } },
    },
  },
  {
    ...shared,
    service: 'pages',
    id: 'readAsyncApi',
    method: 'GET',
    path: DOCUMENTATION_PATHS.streams,
    summary: 'Everything that streams, as AsyncAPI 3.0',
    description: 'Feeds over NATS, Server-Sent Events and WebSockets: channels, and what goes by on them.',
    answers: {
      200: { description: 'The document.', schema: jsonDocumentSchema, example: { asyncapi: '3.0.0' } },
    },
  },
  {
    ...shared,
    service: 'pages',
    id: 'readMessageSchema',
    method: 'GET',
    path: DOCUMENTATION_PATHS.schema,
    summary: 'JSON Schema of a message',
    parameters: [
      {
        name: 'name',
        in: 'path',
        schema: z.string().regex(/^[a-z][a-z-]*$/),
        description: 'Name of the message, such as those in PROTOCOL.md.',
        example: 'cloud-event',
      },
    ],
    answers: {
      200: {
        description: 'A JSON Schema (2020-12).',
        schema: jsonDocumentSchema,
        mediaType: 'application/schema+json',
        example: { $schema: 'https://json-schema.org/draft/2020-12/schema' },
      },
    },
    errors: ['NOT_FOUND'],
  },
  {
    ...shared,
    service: 'edge',
    id: 'getLiveness',
    method: 'GET',
    path: '/livez',
    summary: 'Whether the origin runs',
    answers: { 200: { description: 'It runs.', schema: livenessSchema, example: { status: 'ok' } } },
  },
  {
    ...shared,
    service: 'edge',
    id: 'getReadiness',
    method: 'GET',
    path: '/readyz',
    summary: 'Whether every service can answer',
    answers: {
      200: {
        description: 'All can.',
        schema: readinessSchema,
        example: { status: 'ready', services: { records: 'ready', authz: 'ready' } },
      },
      503: {
        description: 'Some cannot.',
        schema: readinessSchema,
        example: { status: 'away', services: { records: 'ready', authz: 'away' } },
        headers: ['Retry-After'],
      },
    },
  },
] as const satisfies readonly Operation[];
