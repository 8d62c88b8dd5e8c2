import { TidewireError, isStorableJson, queueGroup, setPolicyRequestSchema } from '@tidewire/contract';
import type { SetPolicyReply } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import { outageAsUnavailable, parseInput } from '@tidewire/service-kit';
import { z } from 'zod';
import type { AuthzMetrics } from '../metrics.ts';
import { putPolicy } from '../policy-repository-postgres.ts';
import { requireKnownNames } from '../policy-names.ts';
import { requireValidPolicy } from '../policy-validation.ts';
import type { RightsWriter } from '../rights-writer.ts';

/** Who asks. The rest is parsed only once it is known that they may write at all. */
const authorSchema = z.looseObject(
  setPolicyRequestSchema.pick({ principal: true, correlationId: true, traceparent: true }).shape,
);

/** Judged before the schema takes it apart: what a parser would drop must not be missing from a rule unnoticed. */
const contentSchema = z
  .unknown()
  .refine(isStorableJson, 'holds "__proto__", NUL or broken Unicode')
  .pipe(setPolicyRequestSchema.omit({ principal: true, correlationId: true, traceparent: true }));

/**
 * Answers `authz.v1.set-policy`: writes the rules of a register or schema on behalf of an administrator. What is wrong
 * with rules comes back as pointers into the request, for the API that passed them on.
 */
export function answerSetPolicy(
  writer: RightsWriter,
  metrics: AuthzMetrics,
): Responder<z.infer<typeof authorSchema>> {
  const setPolicy = async (request: z.infer<typeof authorSchema>): Promise<SetPolicyReply> => {
    const policy = await writer.writeAsAdmin(request, async (client) => {
      const content = parseInput(contentSchema, request, 'policy');
      requireValidPolicy(content);
      if (content.names !== undefined) requireKnownNames(content, content.names);
      return putPolicy(client, content);
    });
    return { ok: true, policy };
  };
  return {
    queue: queueGroup('authz'),
    requestSchema: authorSchema,
    handle: async (request) => {
      try {
        return await outageAsUnavailable(() => setPolicy(request));
      } catch (error) {
        if (error instanceof TidewireError && error.code === 'VALIDATION_ERROR') metrics.policyRefusals.inc();
        throw error;
      }
    },
  };
}
