import { REQUEST_SUBJECTS, TidewireError, authenticateReplySchema, errorCodeRow } from '@tidewire/contract';
import type { Credential, LogPosition, Principal, RequestFailure } from '@tidewire/contract';
import type { MessageBus } from '@tidewire/messaging';
import type { Authentication, RightsView } from '@tidewire/policy';
import type { Clock, GivenCredential } from '@tidewire/service-kit';
import { ANONYMOUS } from './access.ts';
import type { Reader } from './access.ts';

/** A reader whose principal and credential are followed in the log until it is released. */
export interface Admission {
  readonly reader: Reader;
  /** Wall-clock milliseconds at which the credential expires. */
  readonly expiresAt: number | null;
  /** Wall-clock milliseconds at which the secret that was shown stops counting, though its credential goes on. */
  readonly secretEndsAt?: number;
  /** Gives the reader back to the view that it was taken from; a second time does nothing. */
  release(): void;
}

export interface AdmissionOptions {
  readonly bus: MessageBus;
  readonly view: () => RightsView;
  /** The epoch of the log that the view was built from; undefined while nothing was loaded. */
  readonly epoch: () => string | undefined;
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'setTimeout'>;
}

/** An answer can be overtaken by changes of more principals than are remembered; twice in a row means trouble. */
const ATTEMPTS = 3;
/** What authz says has to reach the log within this time. */
const LONGEST_WAIT_MS = 2000;
const LOOK_AGAIN_MS = 5;

/**
 * Asks authz who holds the credential, and corrects the answer by what the log has told since it was read. An answer that
 * is ahead of the log waits for it: events are judged by the rights at their place, and streams that are open already
 * must not have theirs exchanged without notice.
 *
 * @throws TidewireError UNAUTHORIZED in one text for unknown, expired and revoked; SERVICE_UNAVAILABLE when nobody
 * can say at the moment.
 */
export async function admit(options: AdmissionOptions, given: GivenCredential): Promise<Admission> {
  const { bus } = options;
  const { source: _source, ...question } = given;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const reply = await bus.request(REQUEST_SUBJECTS.authenticate, question, authenticateReplySchema, {
      timeoutMs: 2000,
    });
    if (!reply.ok) throw refusal(reply);
    const admitted = await holdAnswer(options, reply);
    if (admitted === undefined) continue;
    const { secretEndsAt } = reply;
    return secretEndsAt === undefined ? admitted : { ...admitted, secretEndsAt: Date.parse(secretEndsAt) };
  }
  throw unavailable('the rights of this principal change too quickly');
}

/**
 * Takes an answer of authz into the view, once the log has told what it knows. Undefined when it is too old to be corrected:
 * authenticate again.
 *
 * @throws TidewireError UNAUTHORIZED when the credential has ended, SERVICE_UNAVAILABLE when the log does not tell in time.
 */
export async function holdAnswer(
  options: Omit<AdmissionOptions, 'bus'>,
  answer: Authentication & { readonly position: LogPosition },
): Promise<Admission | undefined> {
  await waitForLog(options, answer);
  if (answer.position.epoch !== options.epoch()) {
    throw unavailable('authz and the gateway are of different epochs');
  }
  const view = options.view();
  const held = view.hold(answer, options.clock.now());
  if (held.ok) return admission(view, held.principal, held.credential);
  if (held.reason === 'ended') throw new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
  return undefined;
}

/** @throws TidewireError SERVICE_UNAVAILABLE when the log does not tell in time what authz knows. */
async function waitForLog(
  { view, clock }: Omit<AdmissionOptions, 'bus'>,
  answer: Authentication,
): Promise<void> {
  const until = clock.monotonic() + LONGEST_WAIT_MS;
  while (view().isAhead(answer)) {
    if (clock.monotonic() >= until) throw unavailable('the log is behind what authz knows');
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.setTimeout(resolve, LOOK_AGAIN_MS);
    await promise;
  }
}

/** A reader without a credential. */
export function admitAnonymous(): Admission {
  return { reader: ANONYMOUS, expiresAt: null, release: () => undefined };
}

function admission(view: RightsView, principal: Principal, credential: Credential): Admission {
  const reader = { principalId: principal.id, credentialId: credential.id };
  // Ids alone: it lasts as long as its connection, and the view has the rest of both once for all.
  let held: Parameters<RightsView['release']>[0] | undefined = {
    principal: { id: reader.principalId },
    credential: { id: reader.credentialId },
  };
  return {
    reader,
    expiresAt: credential.expiresAt === null ? null : Date.parse(credential.expiresAt),
    release: () => {
      if (held !== undefined) view.release(held);
      held = undefined;
    },
  };
}

function refusal({ code, message, errors = [] }: RequestFailure): TidewireError {
  const again = errorCodeRow(code).retry === 'later';
  return new TidewireError(code, message, { errors, ...(again && { retryAfterSeconds: 1 }) });
}

/** Nobody can say at the moment. */
export function unavailable(message: string): TidewireError {
  return new TidewireError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
}
