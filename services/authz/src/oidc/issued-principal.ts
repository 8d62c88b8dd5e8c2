import { createHash } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** Characters of 5 bits: 100 bits, so that nobody finds a subject that becomes somebody else's principal. */
const LENGTH = 20;

/**
 * The id of the principal that a subject of an issuer becomes: safe as an id whatever the subject looks like, the same
 * each time, and of no other issuer, because slugs of issuers are never used again.
 */
export function issuedPrincipalId(issuerSlug: string, subject: string): string {
  const digest = createHash('sha256').update(subject, 'utf8').digest();
  const bits = [...digest.subarray(0, 13)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = Array.from({ length: LENGTH }, (_, place) => {
    return ALPHABET[Number.parseInt(bits.slice(place * 5, place * 5 + 5), 2)];
  });
  return `${issuerSlug}-${characters.join('')}`;
}
