import type { PrincipalContext } from '@tidewire/service-kit';

/** Who asks, as the rights know it. */
export function readerOf({ principal, credential }: PrincipalContext): {
  readonly principalId: string;
  readonly credentialId: string;
} {
  return { principalId: principal.id, credentialId: credential.id };
}
