import { isIPv6 } from 'node:net';

/** What counts as one client of a limit: whoever has an IPv6 address has the 2^64 of its network. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4).join(':');
}

/** The same for people to read: `2001:db8:0:1::/64`, or the address. */
export function formatNetwork(address: string): string {
  return isIPv6(address) ? `${networkOf(address)}::/64` : address;
}
