import { createHash } from 'node:crypto';
import {
  REQUEST_SUBJECTS,
  TidewireError,
  authenticateReplySchema,
  formatSubscriber,
  principalReplySchema,
} from '@tidewire/contract';
import type { Credential, LogPosition, Principal, SubscriberAddress } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { GivenCredential } from '@tidewire/service-kit';

/** Who acts, as authz's database has it. */
export interface Answer {
  readonly principal: Principal;
  readonly credential: Credential;
  readonly position: LogPosition;
  /** When the secret that was shown stops counting though its credential goes on, milliseconds since 1970. */
  readonly secretEndsAt?: number;
}

/** What authz is asked to learn who acts. */
export interface Question {
  /** The same for everybody who gets the same answer. Holds no secret. */
  readonly key: string;
  /** @throws TidewireError UNAUTHORIZED for who does not count; SERVICE_UNAVAILABLE when authz does not answer. */
  readonly ask: () => Promise<Answer>;
}

/** Who holds a credential that was shown. */
export function credentialQuestion(bus: MessageBus, given: GivenCredential): Question {
  const { source: _source, ...question } = given;
  return {
    key: createHash('sha256').update(given.type).update('\0').update(given.secret).digest('base64'),
    ask: async () => {
      const reply = await bus.request(REQUEST_SUBJECTS.authenticate, question, authenticateReplySchema);
      if (!reply.ok) throw new TidewireError(reply.code, reply.message);
      const { principal, credential, position, secretEndsAt } = reply;
      const ends = secretEndsAt === undefined ? {} : { secretEndsAt: Date.parse(secretEndsAt) };
      return { principal, credential, position, ...ends };
    },
  };
}

/** Whom NATS vouches for: a principal, or one of its credentials that has scopes. */
export function subscriberQuestion(bus: MessageBus, address: SubscriberAddress): Question {
  const { principal: id, credential: limited } = address;
  const question = limited === null ? { id } : { id, credential: limited };
  return {
    // No base64 has this sign in its middle or at its beginning.
    key: `@${formatSubscriber(address)}`,
    ask: async () => {
      const reply = await bus.request(REQUEST_SUBJECTS.principal, question, principalReplySchema);
      if (!reply.ok) {
        if (reply.code === 'NOT_FOUND') throw unauthorized();
        throw new TidewireError(reply.code, reply.message);
      }
      const { principal, position } = reply;
      if (limited === null) return { principal, credential: unlimited(id), position };
      const { credential } = reply;
      // Without its limits it would be somebody with more rights.
      if (credential?.id !== limited || credential.principal !== id) throw unauthorized();
      return { principal, credential, position };
    },
  };
}

/** What acts for a principal that showed its credential to NATS: one that nobody has and nothing ends, without limits. */
function unlimited(principal: string): Credential {
  return {
    kind: 'credential',
    id: `subscriber:${principal}`,
    type: 'token',
    principal,
    scopes: null,
    expiresAt: null,
    endedAt: null,
    version: 1,
  };
}

/** One text for unknown, expired and revoked, as authz answers. */
export function unauthorized(): TidewireError {
  return new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
}
