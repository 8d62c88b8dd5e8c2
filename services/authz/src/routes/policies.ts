import {
  PREVIEW_LIMITS,
  TidewireError,
  isStorableJson,
  pageQueryShape,
  policyContentSchema,
  policyPageSchema,
  policyPreviewSchema,
  policyTargetSchema,
  policyViewSchema,
  previewActionSchema,
  uuidSchema,
} from '@tidewire/contract';
import type { Policy, PolicyPreview, PreviewAction } from '@tidewire/contract';
import { ruledNames } from '@tidewire/policy';
import type { HttpServer, Pool } from '@tidewire/service-kit';
import { z } from 'zod';
import type { AuthzMetrics } from '../metrics.ts';
import { formatPage, pageRequest } from '../page.ts';
import { requireKnownNames } from '../policy-names.ts';
import {
  findPolicy,
  hasPolicy,
  listPolicies,
  removePolicy,
  replacePolicy,
} from '../policy-repository-postgres.ts';
import { requireValidPolicy } from '../policy-validation.ts';
import type { PolicyContent } from '../policy-validation.ts';
import { readProfiles } from '../profile-repository-postgres.ts';
import type { RecordsClient } from '../records-client.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { authorOf, notFound, requireAdmin } from './access.ts';
import { formatPolicy } from './shapes.ts';

const paramsSchema = z.object({ target: policyTargetSchema, id: uuidSchema });
/** Judged before the schema takes it apart: what a parser would drop must not be missing from a rule unnoticed. */
const bodySchema = z
  .unknown()
  .refine(isStorableJson, 'holds "__proto__", NUL or broken Unicode')
  .pipe(policyContentSchema);

/** `token` is the credential's. */
const setQuerySchema = z.strictObject({
  dryRun: z.enum(['true', 'false']).default('false'),
  action: previewActionSchema.default('read'),
  token: z.string().optional(),
});

export interface PolicyRoutesOptions {
  readonly pool: Pool;
  readonly writer: RightsWriter;
  readonly records: RecordsClient;
  readonly authzMetrics: AuthzMetrics;
}

/** `/api/policies`: an administrator's. */
export function registerPolicies(app: HttpServer, options: PolicyRoutesOptions): void {
  registerReads(app, options.pool);
  registerSet(app, options);
  registerRemove(app, options.writer);
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

function registerSet(app: HttpServer, options: PolicyRoutesOptions): void {
  const { writer, records, authzMetrics } = options;
  app.put(
    '/api/policies/:target/:id',
    {
      schema: {
        params: paramsSchema,
        querystring: setQuerySchema,
        body: bodySchema,
        response: { 200: z.union([policyViewSchema, policyPreviewSchema]) },
      },
    },
    async (request) => {
      requireAdmin(request);
      const content = { ...request.params, ...request.body };
      try {
        await requireApplicable(content, records);
      } catch (error) {
        if (error instanceof TidewireError && error.code === 'VALIDATION_ERROR') {
          authzMetrics.policyRefusals.inc();
        }
        throw error;
      }
      const { dryRun, action } = request.query;
      if (dryRun === 'true') return await previewPolicy(options, content, action);
      const policy = await writer.writeAsAdmin(authorOf(request), (client) =>
        replacePolicy(client, { ...content, removed: false }),
      );
      if (policy === undefined) throw notFound();
      return formatPolicy(policy);
    },
  );
}

type TargetedContent = PolicyContent & Pick<Policy, 'id'>;

/** Rules that name no property can be set while records is away: in an emergency, that is enough to close a door. */
async function requireApplicable(content: TargetedContent, records: RecordsClient): Promise<void> {
  requireValidPolicy(content);
  const names = ruledNames(content);
  if (names.size === 0) return;
  const known = await records.names(content, names);
  if (known === undefined) throw notFound();
  requireKnownNames(content, known);
}

async function previewPolicy(
  { pool, records }: PolicyRoutesOptions,
  content: TargetedContent,
  action: PreviewAction,
): Promise<PolicyPreview> {
  if (!(await hasPolicy(pool, content))) throw notFound();
  const { profiles, truncated } = await readProfiles(pool, PREVIEW_LIMITS.principals);
  // What opens something to everybody must not be missed: anonymous readers come first.
  const anonymous = { activeOrganisation: null, groups: [], principals: [null] };
  const preview = await records.preview({ ...content, action, profiles: [anonymous, ...profiles] });
  return { valid: true, action, ...preview, truncated: truncated || preview.truncated };
}

function registerRemove(app: HttpServer, writer: RightsWriter): void {
  app.delete('/api/policies/:target/:id', { schema: { params: paramsSchema } }, async (request, reply) => {
    requireAdmin(request);
    const removed = await writer.writeAsAdmin(authorOf(request), (client) =>
      removePolicy(client, request.params),
    );
    if (!removed) throw notFound();
    return reply.code(204).send();
  });
}
