import {
  PREVIEW_LIMITS,
  REQUEST_SUBJECTS,
  TidewireError,
  catalogueEntryReplySchema,
  previewPolicyReplySchema,
} from '@tidewire/contract';
import type { NamedProperties, PolicyPreview, PreviewPolicyRequest } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { PolicyTarget } from './policy-repository-postgres.ts';

/** What only records can say: it owns registers and schemas, and the rows. */
export interface RecordsClient {
  /**
   * What these names mean in a register or schema; undefined when there is no such thing.
   *
   * @throws TidewireError SERVICE_UNAVAILABLE when records does not answer.
   */
  names(target: PolicyTarget, names: Iterable<string>): Promise<NamedProperties | undefined>;
  /**
   * What a policy would change for some principals.
   *
   * @throws TidewireError NOT_FOUND when there is no such register or schema; SERVICE_UNAVAILABLE when records does not
   *   answer, or previews as many policies already as it can.
   */
  preview(
    request: PreviewPolicyRequest,
  ): Promise<Pick<PolicyPreview, 'principals' | 'unchanged' | 'truncated'>>;
}

/** Beyond the time that the preview itself is given: for waiting for the newest rights, and for the way. */
const PREVIEW_GRACE_MS = 5000;

/** A {@link RecordsClient} over the bus. */
export function createRecordsClient(bus: Pick<MessageBus, 'request'>): RecordsClient {
  return {
    async names({ target, id }, names) {
      const question = { kind: target, id, names: [...names] };
      const reply = await bus.request(REQUEST_SUBJECTS.catalogueEntry, question, catalogueEntryReplySchema);
      if (!reply.ok) throw new TidewireError(reply.code, reply.message);
      return reply.names ?? undefined;
    },
    async preview(request) {
      const timeoutMs = PREVIEW_LIMITS.timeoutMs + PREVIEW_GRACE_MS;
      const reply = await bus.request(REQUEST_SUBJECTS.previewPolicy, request, previewPolicyReplySchema, {
        timeoutMs,
      });
      if (!reply.ok) throw new TidewireError(reply.code, reply.message);
      const { principals, unchanged, truncated } = reply;
      return { principals, unchanged, truncated };
    },
  };
}
