import { randomUUID } from 'node:crypto';
import { REQUEST_SUBJECTS, TidewireError, principalReplySchema } from '@tidewire/contract';
import type { Credential, PrincipalReply, SubscriberAddress } from '@tidewire/contract';
import { holdAnswer, unavailable } from './admission.ts';
import type { Admission, AdmissionOptions } from './admission.ts';

/** As for an admission: an answer can be overtaken by the log. */
const ATTEMPTS = 3;

/**
 * Admits a principal by its id, though nobody shows a credential here: its rights come from where an admission takes those
 * of a caller, and are followed in the log until they are released. Without a credential in the address it acts by one that
 * nobody has, without limits.
 *
 * @throws TidewireError NOT_FOUND for a principal that is absent or removed, or a credential that is not its own or has
 * ended; SERVICE_UNAVAILABLE when nobody can say.
 */
export async function admitPrincipal(
  options: AdmissionOptions,
  { principal: id, credential }: SubscriberAddress,
): Promise<Admission> {
  const question = credential === null ? { id } : { id, credential };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const reply = await options.bus.request(REQUEST_SUBJECTS.principal, question, principalReplySchema, {
      timeoutMs: 2000,
    });
    if (!reply.ok) throw new TidewireError(reply.code, reply.message, { retryAfterSeconds: 1 });
    if (credential !== null && reply.credential?.id !== credential) {
      throw unavailable('authz did not tell the limits of the credential');
    }
    const admission = await hold(options, reply);
    if (admission !== undefined) return admission;
  }
  throw unavailable('the rights of this principal change too quickly');
}

async function hold(
  options: AdmissionOptions,
  { principal, credential = unlimited(principal.id), position }: Extract<PrincipalReply, { ok: true }>,
): Promise<Admission | undefined> {
  try {
    return await holdAnswer(options, { principal, position, credential });
  } catch (error) {
    // It was removed since authz answered; the credential that is refused is not the caller's.
    if (!(error instanceof TidewireError) || error.code !== 'UNAUTHORIZED') throw error;
    throw new TidewireError('NOT_FOUND', `There is no principal '${principal.id}'.`, { cause: error });
  }
}

function unlimited(principal: string): Credential {
  const ends = { expiresAt: null, endedAt: null };
  return {
    kind: 'credential',
    id: randomUUID(),
    type: 'token',
    principal,
    scopes: null,
    ...ends,
    version: 1,
  };
}
