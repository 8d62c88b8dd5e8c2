import { TidewireError, queueGroup, setPolicyRequestSchema } from '@tidewire/contract';
import type { SetPolicyReply, SetPolicyRequest } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import { z } from 'zod';
import type { AuthzMetrics } from '../metrics.ts';
import { putPolicy } from '../policy-repository-postgres.ts';
import { requireValidPolicy } from '../policy-validation.ts';
import type { RightsWriter } from '../rights-writer.ts';
import { isStorableJson } from '../text.ts';

/** Judged before the schema takes it apart: what a parser would drop must not be missing from a rule unnoticed. */
const requestSchema = z
  .unknown()
  .refine(isStorableJson, 'holds "__proto__", NUL or broken Unicode')
  .pipe(setPolicyRequestSchema);

/** Answers `authz.v1.set-policy`: writes the rules of a register or schema on behalf of an administrator. */
export function answerSetPolicy(writer: RightsWriter, metrics: AuthzMetrics): Responder<SetPolicyRequest> {
  return {
    queue: queueGroup('authz'),
    requestSchema,
    handle: async (request): Promise<SetPolicyReply> => {
      const { principal, correlationId, traceparent, ...content } = request;
      try {
        const policy = await writer.writeAsAdmin(
          { principal, correlationId, traceparent },
          async (client) => {
            // After the right to write: what is wrong with rules is nothing for others to learn.
            requireValidPolicy(content);
            return putPolicy(client, content);
          },
        );
        return { ok: true, policy };
      } catch (error) {
        if (error instanceof TidewireError) {
          metrics.policyRefusals.inc();
          const errors = [...error.errors];
          return {
            ok: false,
            code: error.code,
            message: error.message,
            ...(errors.length > 0 ? { errors } : {}),
          };
        }
        throw error;
      }
    },
  };
}
