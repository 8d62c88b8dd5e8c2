import swagger from '@fastify/swagger';
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

/** Parts of a request that a route may have a schema for. */
const REQUEST_PARTS = ['body', 'querystring', 'params', 'headers'] as const;

interface RouteSchemas {
  readonly [part: string]: unknown;
}

/**
 * Collects the routes that are registered after it into an OpenAPI document, which `app.swagger()` returns once the
 * server is ready. Routes are described by the same zod schemas that validate them.
 */
export function registerOpenApi(app: FastifyInstance, title: string, version: string): void {
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: '3.1.0',
      info: { title, version },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          token: { type: 'apiKey', in: 'query', name: 'token' },
          session: { type: 'apiKey', in: 'cookie', name: 'tidewire_session' },
        },
      },
    },
    transform: ({ schema, url }) => ({ schema: describeRoute(schema as RouteSchemas | undefined), url }),
  };
  // Called rather than registered: a registered plugin loads later, and would not see routes that are added before.
  swagger(app, options, (error) => {
    if (error !== undefined) throw error;
  });
}

function describeRoute(schemas: RouteSchemas | undefined): RouteSchemas {
  const described: Record<string, unknown> = { ...schemas };
  for (const part of REQUEST_PARTS) {
    if (schemas?.[part] instanceof z.ZodType) described[part] = jsonSchema(schemas[part], 'input');
  }
  const responses = schemas?.['response'];
  if (typeof responses === 'object' && responses !== null) {
    const entries = Object.entries(responses as RouteSchemas);
    described['response'] = Object.fromEntries(
      entries.map(([status, schema]) => [
        status,
        schema instanceof z.ZodType ? jsonSchema(schema, 'output') : schema,
      ]),
    );
  }
  return described;
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): unknown {
  // What a transform makes of its input has no JSON Schema; the reader is told "anything" there instead of nothing.
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
