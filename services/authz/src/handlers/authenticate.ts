import { authenticateRequestSchema, queueGroup } from '@tidewire/contract';
import type { AuthenticateReply, AuthenticateRequest } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import { outageAsUnavailable } from '@tidewire/service-kit';
import type { Authenticator } from '../authenticator.ts';

/** Answers `authz.v1.authenticate`. */
export function answerAuthenticate(authenticate: Authenticator): Responder<AuthenticateRequest> {
  return {
    queue: queueGroup('authz'),
    requestSchema: authenticateRequestSchema,
    handle: async (presented): Promise<AuthenticateReply> => ({
      ok: true,
      ...(await outageAsUnavailable(() => authenticate(presented))),
    }),
  };
}
