import { REQUEST_SUBJECTS, previewPolicyRequestSchema, queueGroup } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { PolicyPreview } from '../policies/policy-preview.ts';

/** Each reads the rows of whole schemas. */
const MAX_AT_ONCE = 2;

/** Answers `records.v1.preview-policy`. Returns how to stop. */
export function answerPreviewPolicy(bus: MessageBus, policies: PolicyPreview): () => Promise<void> {
  return bus.respond(REQUEST_SUBJECTS.previewPolicy, {
    queue: queueGroup('records'),
    requestSchema: previewPolicyRequestSchema,
    concurrency: MAX_AT_ONCE,
    handle: async (request) => ({
      ok: true,
      ...(await outageAsUnavailable(() => policies.preview(request))),
    }),
  });
}
