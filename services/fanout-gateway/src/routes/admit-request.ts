import type { IncomingMessage } from 'node:http';
import { TidewireError } from '@tidewire/contract';
import { admitAnonymous } from '@tidewire/rights';
import type { Admission } from '@tidewire/rights';
import { readCredential, requireOwnPage } from '@tidewire/service-kit';
import type { ClientAddress, CredentialCarrier, GivenCredential } from '@tidewire/service-kit';

/** What it takes to find out who asks. */
export interface AdmitRequestOptions {
  readonly admit: (credential: GivenCredential) => Promise<Admission>;
  readonly anonymousStreams: boolean;
  /** Origins whose pages may use a session cookie here. */
  readonly allowedOrigins: readonly string[];
  readonly addressOf: ClientAddress;
  /** What of a request may be a credential; absent: everything that can be one. */
  readonly credentialSource?: (request: IncomingMessage) => CredentialCarrier;
}

/**
 * Who asks. `use`: what for; writes and sockets with a session cookie are for allowed pages only.
 *
 * @throws TidewireError UNAUTHORIZED; BAD_REQUEST for several different credentials; FORBIDDEN for a foreign page with a
 * session cookie.
 */
export async function admitRequest(
  request: IncomingMessage,
  options: AdmitRequestOptions,
  use: 'stream' | 'socket' | 'write' = 'stream',
): Promise<Admission> {
  const { admit, anonymousStreams, allowedOrigins, addressOf, credentialSource } = options;
  const credential = readCredential(credentialSource?.(request) ?? request);
  if (credential?.source === 'cookie') requireOwnPage(request.headers, allowedOrigins, use);
  if (credential !== undefined) return await admit({ ...credential, address: addressOf(request) });
  if (anonymousStreams) return admitAnonymous();
  throw new TidewireError('UNAUTHORIZED', 'Send a credential: "Authorization: Bearer <token>" or a session.');
}
