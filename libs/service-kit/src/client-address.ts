import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const MAPPED_IPV4 = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/**
 * The network address of the client: what trusted proxies say in `X-Forwarded-For` (`TIDEWIRE_TRUSTED_PROXIES`), else the
 * peer of the connection. IPv4 is written as such, also where it came over an IPv6 socket. At most 45 characters; empty
 * when the connection is gone already.
 */
export function clientAddress(request: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  // A proxy passes on whatever stood in the header before; text that is no address is nobody's.
  const found = [request.ip, request.socket.remoteAddress ?? ''].find((text) => isIP(text) !== 0) ?? '';
  // A zone (`%eth0`) names an interface of this machine, and can be of any length.
  return found.replace(MAPPED_IPV4, '').replace(/%.*$/, '');
}
