import { isIP } from 'node:net';
import { isPublicAddress } from './public-address.ts';

/** Which addresses may be asked. */
export interface TargetRules {
  /** Whether plain `http:` and addresses that are not public may be asked: for development and closed networks. */
  readonly allowPrivate: boolean;
}

/** A URL that may be asked as far as it can be seen from the URL, or what is wrong with it, as the end of a sentence. */
export type TargetUrl =
  { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly problem: string };

/** Push services use some hundreds. */
const MAX_LENGTH = 2000;

/** Ports where something else than HTTP listens, to which the bytes of a request could mean something. */
const REFUSED_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
  109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514,
  515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 873, 989, 990, 993, 995, 1433, 1521, 1719,
  1720, 1723, 1883, 2049, 3306, 3389, 3659, 4045, 4190, 4222, 5060, 5061, 5432, 5672, 5900, 6000, 6222, 6379,
  6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 7422, 9042, 9092, 10080, 11211, 25060, 27017,
]);

/** Names that mean something on the own network only (RFC 6761, RFC 6762, RFC 8375, and `.internal`). */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa|test|invalid|onion)$/;

/** Reads the URL of a target; the names in it are not looked up. Never throws. */
export function readTargetUrl(text: string, { allowPrivate }: TargetRules): TargetUrl {
  const no = (problem: string): TargetUrl => ({ ok: false, problem });
  const url = text.length > MAX_LENGTH ? undefined : URL.parse(text);
  // The one spelling may be longer: it writes what is not ASCII in threes.
  if (url === undefined || (url !== null && url.href.length > MAX_LENGTH)) {
    return no(`must have at most ${MAX_LENGTH} characters`);
  }
  if (url === null) return no('must be an absolute URL');
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    return no(allowPrivate ? 'must begin with https: or http:' : 'must begin with https:');
  }
  if (url.username !== '' || url.password !== '') return no('must not have a user name or a password in it');
  if (url.port !== '' && REFUSED_PORTS.has(Number(url.port))) {
    return no(`must not have the port ${url.port}: another protocol than HTTP lives there`);
  }
  const host = hostOf(url);
  if (host === '' || host.endsWith('.')) return no('must have a host name without a dot at its end');
  if (allowPrivate) return { ok: true, url };
  if (isIP(host) !== 0) {
    return isPublicAddress(host) ? { ok: true, url } : no('must not be an address of a private network');
  }
  if (!host.includes('.') || PRIVATE_NAME.test(host))
    return no('must have a host name of the public internet');
  return { ok: true, url };
}

/** The host as a resolver takes it: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
