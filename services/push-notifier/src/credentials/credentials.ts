import { TidewireError } from '@tidewire/contract';
import type { PreAuthorisation } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { AdmissionCache, admit, admitPrincipal, credentialKey, identify } from '@tidewire/rights';
import type { Admission, AdmissionCacheOptions, AdmissionOptions } from '@tidewire/rights';
import type { GivenCredential, PrincipalContext } from '@tidewire/service-kit';
import type { Login } from '../sockets/login-dialogue.ts';

/**
 * Who shows a credential. Clients of notify_push have a user name and a password, which is that of the account or a token of
 * its: they cannot send anything else.
 */
export class Credentials {
  readonly #view: () => RightsView;
  readonly #cache: AdmissionCache<GivenCredential>;

  constructor(options: AdmissionOptions & Pick<AdmissionCacheOptions<GivenCredential>, 'clock'>) {
    this.#view = options.view;
    this.#cache = new AdmissionCache<GivenCredential>({
      admit: (given) => admitGiven(options, given),
      keyOf: credentialKey,
      view: options.view,
      clock: options.clock,
    });
  }

  /** @throws TidewireError UNAUTHORIZED in one text for unknown, expired and revoked; SERVICE_UNAVAILABLE. */
  async admit(given: GivenCredential): Promise<Admission> {
    return await this.#cache.admit(given);
  }

  /** The same for a user name and a password. */
  async admitLogin({ user, password, address }: Login): Promise<Admission> {
    // It would be another user with another password.
    if (user.includes(':')) throw invalid();
    return await this.admit({ type: 'basic', secret: `${user}:${password}`, source: 'basic', address });
  }

  /** The same, for one request. */
  async authenticate(given: GivenCredential): Promise<PrincipalContext> {
    const admission = await this.#cache.admit(given);
    try {
      const { principalId, credentialId } = admission.reader;
      const view = this.#view();
      const principal = view.principal(principalId ?? '');
      const credential = view.credential(credentialId ?? '');
      if (principal === undefined || credential === undefined || !this.counts(admission)) throw invalid();
      return { principal, credential };
    } finally {
      admission.release();
    }
  }

  /** Whether who was admitted still is somebody. */
  counts({ reader }: Pick<Admission, 'reader'>): boolean {
    return identify(this.#view(), reader) !== undefined;
  }

  stop(): void {
    this.#cache.stop();
  }
}

/** Admits whom one of our own has vouched for; undefined when that is nobody any more. @throws SERVICE_UNAVAILABLE */
export async function admitIfThere(
  options: AdmissionOptions,
  address: PreAuthorisation,
): Promise<Admission | undefined> {
  try {
    return await admitPrincipal(options, address);
  } catch (error) {
    if (error instanceof TidewireError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function admitGiven(options: AdmissionOptions, given: GivenCredential): Promise<Admission> {
  if (given.type !== 'basic') return await admit(options, given);
  const colon = given.secret.indexOf(':');
  const user = given.secret.slice(0, colon);
  const secret = given.secret.slice(colon + 1);
  return (
    (await admitByToken(options, { ...given, type: 'token', secret }, user)) ?? (await admit(options, given))
  );
}

/** Whom a token is of, if that is who the user says it is; undefined: it is none. */
async function admitByToken(
  options: AdmissionOptions,
  given: GivenCredential,
  user: string,
): Promise<Admission | undefined> {
  try {
    const admission = await admit(options, given);
    if (admission.reader.principalId === user) return admission;
    admission.release();
  } catch (error) {
    if (!(error instanceof TidewireError) || error.code !== 'UNAUTHORIZED') throw error;
  }
  return undefined;
}

function invalid(): TidewireError {
  return new TidewireError('UNAUTHORIZED', 'The credential is not valid.');
}
