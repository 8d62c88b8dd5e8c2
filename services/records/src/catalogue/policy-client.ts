import { REQUEST_SUBJECTS, TidewireError, setPolicyReplySchema } from '@tidewire/contract';
import type { Policy, SetPolicyRequest } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';

/** The answer comes after a commit, which takes what the disk of the database takes. */
const COMMIT_TIMEOUT_MS = 10_000;

/** Hands rules to authz, their only owner. */
export interface PolicyClient {
  /**
   * Sets the policy of a register or schema on behalf of a principal, who must be an administrator.
   *
   * @throws TidewireError as authz answers, SERVICE_UNAVAILABLE when it does not: then nobody knows whether it was set.
   */
  set(request: SetPolicyRequest): Promise<Policy>;
}

/** A {@link PolicyClient} over the bus. */
export function createPolicyClient(bus: MessageBus): PolicyClient {
  return {
    async set(request) {
      const reply = await bus.request(REQUEST_SUBJECTS.setPolicy, request, setPolicyReplySchema, {
        timeoutMs: COMMIT_TIMEOUT_MS,
      });
      if (reply.ok) return reply.policy;
      throw new TidewireError(reply.code, reply.message, { errors: reply.errors ?? [] });
    },
  };
}
