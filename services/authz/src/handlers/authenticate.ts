import { authenticateRequestSchema, queueGroup } from '@tidewire/contract';
import type { AuthenticateReply, AuthenticateRequest } from '@tidewire/contract';
import type { Responder } from '@tidewire/messaging';
import type { Authenticator } from '../authenticator.ts';

/** Answers `authz.v1.authenticate`. */
export function answerAuthenticate(authenticate: Authenticator): Responder<AuthenticateRequest> {
  return {
    queue: queueGroup('authz'),
    requestSchema: authenticateRequestSchema,
    handle: async ({ type, secret }): Promise<AuthenticateReply> => ({
      ok: true,
      ...(await authenticate(type, secret)),
    }),
  };
}
