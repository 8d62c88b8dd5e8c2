import { z } from 'zod';

/** Whom a push service may turn to when this server misbehaves (RFC 8292, section 2.1): for the setting that says so. */
export const vapidSubjectSchema = z
  .string()
  .max(500)
  .refine(isSubject, 'must be mailto: with an address, or an https: URL');

function isSubject(text: string): boolean {
  const url = URL.parse(text);
  if (url?.protocol === 'mailto:') return /^[^@\s]+@[^@\s]+$/.test(url.pathname);
  // Apple's push service refuses what names this machine.
  return url?.protocol === 'https:' && url.hostname !== 'localhost';
}
