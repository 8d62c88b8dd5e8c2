import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** What {@link ClientAddress} looks at: any Fastify request and any `http.IncomingMessage`. */
export interface AddressCarrier {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

/** The network address of the client of a request, in lower case, without port or zone; `unknown` when it has gone. */
export type ClientAddress = (request: AddressCarrier) => string;

/** Networks that have a name. */
const NETWORKS: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
  ['private', ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);
/** Proxies that may stand one behind another: more entries of a header are not looked at. */
const MAX_PROXIES = 16;
const INVALID = 'must be addresses, ranges (10.0.0.0/8), loopback or private, separated by commas';
const MAPPED_IPV4 = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/;

/**
 * Whether an address is one of a list: addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal` or `private`,
 * separated by commas.
 *
 * @throws RangeError for an entry that is none of those.
 */
export function createTrust(list: string): (address: string) => boolean {
  const trusted = new BlockList();
  for (const entry of list.split(',').map((text) => text.trim())) {
    if (entry === '') continue;
    for (const range of NETWORKS.get(entry) ?? [entry]) addRange(trusted, range);
  }
  return (text) => {
    const address = parseAddress(text);
    return address !== undefined && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  };
}

function addRange(trusted: BlockList, range: string): void {
  const [address = '', prefix, ...rest] = range.split('/');
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  if (family === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
    throw new RangeError(INVALID);
  }
  const length = Number(prefix ?? bits);
  if (length > bits) throw new RangeError(INVALID);
  trusted.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Says where requests come from. `X-Forwarded-For` is believed as far as trusted proxies wrote it: from its end, each
 * entry counts when the one that passed it on is trusted. What a client writes into it itself is never reached.
 *
 * @throws RangeError as {@link createTrust} does.
 */
export function createClientAddress(trustedProxies: string): ClientAddress {
  const isTrusted = createTrust(trustedProxies);
  return ({ socket, headers }) => {
    let address = parseAddress(socket.remoteAddress ?? '');
    if (address === undefined) return 'unknown';
    const forwarded = [headers['x-forwarded-for'] ?? ''].flat().join(',');
    let end = forwarded.length;
    for (let count = 0; count < MAX_PROXIES && end > 0 && isTrusted(address); count += 1) {
      const start = forwarded.lastIndexOf(',', end - 1) + 1;
      const entry = parseAddress(forwarded.slice(start, end).trim());
      if (entry === undefined) break;
      address = entry;
      end = start - 1;
    }
    return address;
  };
}

/** An address out of `address`, `address:port` and `[address]:port`; undefined when it is none. */
function parseAddress(text: string): string | undefined {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (isIP(bare) === 0) return undefined;
  return bare.replace(/%.*$/s, '').toLowerCase().replace(MAPPED_IPV4, '');
}

/** For services that ask where a client is. */
export const proxyConfig = z.object({
  TIDEWIRE_TRUSTED_PROXIES: z
    .string()
    .default('')
    .refine(isList, INVALID)
    .describe(
      'Proxies whose `X-Forwarded-For` is believed: addresses, CIDR ranges, `loopback` or `private`, separated by commas.',
    ),
});

function isList(text: string): boolean {
  try {
    createTrust(text);
    return true;
  } catch {
    return false;
  }
}
