import { ClientError } from '../client-error.ts';
import type { Runtime } from '../runtime.ts';
import { request, toClientError } from './http.ts';

/** Who a credential stands for, and what it is limited to, as one text: equal texts see the same. */
export type Identity = string;

/** Whoever shows no credential that counts: what is public is the same for all of them. */
const NOBODY: Identity = 'nobody';

/** Asks the server. @throws ClientError when it does not say. */
export async function identify(runtime: Runtime, url: string, token: string | null): Promise<Identity> {
  try {
    const { body } = await request(runtime, { url: `${url}/api/auth/me`, token });
    const { principal, credential } = (body ?? {}) as {
      principal?: { id?: unknown };
      credential?: { scopes?: unknown };
    };
    if (typeof principal?.id !== 'string') throw new ClientError('UNUSABLE_ANSWER', 'Nobody is named');
    return JSON.stringify([principal.id, credential?.scopes ?? null]);
  } catch (thrown) {
    const error = toClientError(thrown);
    if (error.status === 401) return NOBODY;
    throw error;
  }
}
