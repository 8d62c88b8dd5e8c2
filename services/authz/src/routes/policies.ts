import {
  TidewireError,
  isStorableJson,
  pageQueryShape,
  policyContentSchema,
  policyPageSchema,
  policyTargetSchema,
  policyViewSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import type { AuthzMetrics } from '../metrics.ts';
import { formatPage, pageRequest } from '../page.ts';
import { findPolicy, listPolicies, removePolicy, replacePolicy } from '../policy-repository-postgres.ts';
import { requireValidPolicy } from '../policy-validation.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireAdmin } from './access.ts';
import { formatPolicy } from './shapes.ts';

const paramsSchema = z.object({ target: policyTargetSchema, id: uuidSchema });
/** Judged before the schema takes it apart: what a parser would drop must not be missing from a rule unnoticed. */
const bodySchema = z
  .unknown()
  .refine(isStorableJson, 'holds "__proto__", NUL or broken Unicode')
  .pipe(policyContentSchema);

/** `/api/policies`: an administrator's. */
export function registerPolicies(
  app: HttpServer,
  pool: Pool,
  writer: RightsWriter,
  metrics: AuthzMetrics,
): void {
  registerReads(app, pool);
  registerWrites(app, writer, metrics);
}

function registerReads(app: HttpServer, pool: Pool): void {
  app.get(
    '/api/policies',
    {
      schema: {
        querystring: z.strictObject({ ...pageQueryShape, target: policyTargetSchema.optional() }),
        response: { 200: policyPageSchema },
      },
    },
    async (request) => {
      requireAdmin(request);
      const { target, ...query } = request.query;
      const page = pageRequest(query);
      const { results, total } = await listPolicies(pool, target, page);
      return formatPage({ results: results.map(formatPolicy), total }, page);
    },
  );
  app.get(
    '/api/policies/:target/:id',
    {
      schema: {
        params: paramsSchema,
        response: { 200: policyViewSchema },
      },
    },
    async (request) => {
      requireAdmin(request);
      const found = await findPolicy(pool, request.params);
      if (found === undefined) throw notFound();
      return formatPolicy(found);
    },
  );
}

function registerWrites(app: HttpServer, writer: RightsWriter, metrics: AuthzMetrics): void {
  app.put(
    '/api/policies/:target/:id',
    {
      schema: {
        params: paramsSchema,
        body: bodySchema,
        response: { 200: policyViewSchema },
      },
    },
    async (request) => {
      requireAdmin(request);
      const content = { ...request.params, ...request.body };
      try {
        requireValidPolicy(content);
      } catch (error) {
        if (error instanceof TidewireError) metrics.policyRefusals.inc();
        throw error;
      }
      const policy = await writer.writeAsAdmin(authorOf(request), (client) =>
        replacePolicy(client, { ...content, removed: false }),
      );
      if (policy === undefined) throw notFound();
      return formatPolicy(policy);
    },
  );
  app.delete('/api/policies/:target/:id', { schema: { params: paramsSchema } }, async (request, reply) => {
    requireAdmin(request);
    const removed = await writer.writeAsAdmin(authorOf(request), (client) =>
      removePolicy(client, request.params),
    );
    if (!removed) throw notFound();
    return reply.code(204).send();
  });
}
