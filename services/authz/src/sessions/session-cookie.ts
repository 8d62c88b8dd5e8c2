import { SESSION_COOKIE } from '@tidewire/contract';

export interface CookieOptions {
  /** Whether browsers send it over HTTPS only: where the installation is reached so. */
  readonly secure: boolean;
  readonly maxAgeMs: number;
}

/** `Set-Cookie` for a session: no script reads it, and no other site's requests carry it but for following a link. */
export function formatSessionCookie(secret: string, { secure, maxAgeMs }: CookieOptions): string {
  const attributes = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${Math.floor(maxAgeMs / 1000)}`;
  return `${SESSION_COOKIE}=${secret}; ${attributes}${secure ? '; Secure' : ''}`;
}

/** `Set-Cookie` that removes it. */
export function clearSessionCookie({ secure }: Pick<CookieOptions, 'secure'>): string {
  return formatSessionCookie('', { secure, maxAgeMs: 0 });
}
