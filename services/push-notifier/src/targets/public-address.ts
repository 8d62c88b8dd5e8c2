import { BlockList, isIP, isIPv4 } from 'node:net';

/** IPv4 that is not everybody's internet, or answers only those who run in some cloud. */
const REFUSED_V4 = blockListOf('ipv4', [
  ['0.0.0.0', 8], // this host
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT; the metadata of Alibaba Cloud
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's host, from within Azure
  ['169.254.0.0', 16], // link-local; the metadata of most clouds
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments; the metadata of Oracle Cloud
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // relays of 6to4
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved; broadcast
]);

/** Global unicast: whatever is outside of it (loopback, link-local, unique local, multicast, mapped IPv4) is refused. */
const GLOBAL_V6 = blockListOf('ipv6', [['2000::', 3]]);
const REFUSED_V6 = blockListOf('ipv6', [
  ['2001::', 23], // protocol assignments: Teredo, ORCHID, benchmarks
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: IPv4 in disguise, and nobody serves by it
  ['3fff::', 20], // documentation
]);

/** IPv4 as hosts without it see it: what DNS64 answers where everything goes through NAT64. */
const NAT64 = blockListOf('ipv6', [['64:ff9b::', 96]]);

/** Whether an address is one of the public internet. False for what is no address. */
export function isPublicAddress(address: string): boolean {
  // A zone ("%eth0") is of no use but on the own link.
  if (isIP(address) === 0 || address.includes('%')) return false;
  if (isIPv4(address)) return !REFUSED_V4.check(address, 'ipv4');
  if (NAT64.check(address, 'ipv6')) return isPublicAddress(embeddedV4(address));
  return GLOBAL_V6.check(address, 'ipv6') && !REFUSED_V6.check(address, 'ipv6');
}

function blockListOf(
  family: 'ipv4' | 'ipv6',
  networks: readonly (readonly [network: string, prefix: number])[],
): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}

/** The last 32 bits of an IPv6 address. */
function embeddedV4(address: string): string {
  // The URL parser writes every spelling in one way: two groups of hexadecimal digits, zeros left out.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':');
  const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group === '' ? '0' : group, 16));
  return [high ?? 0, low ?? 0].flatMap((word) => [word >> 8, word & 0xff]).join('.');
}
