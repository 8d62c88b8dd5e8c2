import { BlockList, isIP } from 'node:net';

/** Networks that have a name. */
const NAMED: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

/**
 * Whether an address is that of a proxy in front which may say for whom it asks. `proxies`: addresses, networks and the
 * names of some, separated by commas.
 *
 * @throws RangeError when the list cannot be read.
 */
export function createTrust(proxies: string): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of proxies.split(',').map((text) => text.trim())) {
    if (entry === '') continue;
    for (const network of NAMED.get(entry) ?? [entry]) addNetwork(list, network);
  }
  return (text) => {
    const address = text.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', length, ...rest] = network.split('/');
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const prefix = Number(length ?? bits);
  if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(length ?? '0') || prefix > bits) {
    throw new RangeError(
      'must be addresses, networks (10.0.0.0/8), loopback or private, separated by commas',
    );
  }
  list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
}
