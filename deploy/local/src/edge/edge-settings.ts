import { createTrust } from '@tidewire/service-kit';
import { EDGE_SERVICES } from './edge-routes.ts';
import type { EdgeService } from './edge-routes.ts';
import type { EdgeOptions } from './edge.ts';
import type { Upstream } from './edge-upstreams.ts';

/** What the edge's process is told by its environment. */
export interface EdgeSettings extends EdgeOptions {
  readonly drainMs: number;
}

/** The environment variables that {@link readEdgeSettings} reads. */
export interface EdgeEnvironment {
  /** Addresses to listen on, separated by commas. Default `127.0.0.1,::1`. */
  TIDEWIRE_HOST?: string;
  /** Default 8080. */
  TIDEWIRE_PORT?: string;
  /** `service=http://host:port[,http://host:port...]`, separated by spaces. */
  TIDEWIRE_EDGE_UPSTREAMS?: string;
  /** Proxies in front: addresses, networks, `loopback`, `private`, separated by commas. Default `loopback`. */
  TIDEWIRE_TRUSTED_PROXIES?: string;
  /** How long running streams and requests may take to end when the edge is stopped. Default 5000. */
  TIDEWIRE_DRAIN_MS?: string;
}

const UPSTREAMS = 'TIDEWIRE_EDGE_UPSTREAMS';

/** @throws Error naming every wrong variable, one per line. */
export function readEdgeSettings(environment: EdgeEnvironment): EdgeSettings {
  const faults: string[] = [];
  const settings = {
    hosts: (environment.TIDEWIRE_HOST ?? '127.0.0.1,::1').split(',').map((host) => host.trim()),
    port: wholeNumber('TIDEWIRE_PORT', environment.TIDEWIRE_PORT ?? '8080', 65_535, faults),
    drainMs: wholeNumber('TIDEWIRE_DRAIN_MS', environment.TIDEWIRE_DRAIN_MS ?? '5000', 600_000, faults),
    upstreams: parseUpstreams(environment.TIDEWIRE_EDGE_UPSTREAMS ?? '', faults),
    ...trustedProxies(environment.TIDEWIRE_TRUSTED_PROXIES, faults),
  };
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return settings;
}

/** The text form of the upstreams, as {@link readEdgeSettings} reads it. */
export function formatUpstreams(upstreams: ReadonlyMap<EdgeService, readonly Upstream[]>): string {
  return [...upstreams].map(([service, list]) => `${service}=${list.map(formatAddress).join(',')}`).join(' ');
}

function trustedProxies(value: string | undefined, faults: string[]): Pick<EdgeOptions, 'trustedProxies'> {
  if (value === undefined) return {};
  try {
    createTrust(value);
  } catch (error) {
    faults.push(`TIDEWIRE_TRUSTED_PROXIES ${error instanceof Error ? error.message : String(error)}.`);
  }
  return { trustedProxies: value };
}

function wholeNumber(name: string, value: string, maximum: number, faults: string[]): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= maximum) return number;
  faults.push(`${name} must be a whole number from 0 to ${maximum}, not ${JSON.stringify(value)}.`);
  return 0;
}

function parseUpstreams(value: string, faults: string[]): Map<EdgeService, Upstream[]> {
  const upstreams = new Map<EdgeService, Upstream[]>();
  for (const entry of value.split(/\s+/).filter((text) => text !== '')) {
    const [name = '', addresses = ''] = entry.split(/=(.*)/s);
    const service = EDGE_SERVICES.find((known) => known === name);
    if (service === undefined) {
      faults.push(
        `${UPSTREAMS}: there is no service ${JSON.stringify(name)}; it is one of ${EDGE_SERVICES.join(', ')}.`,
      );
      continue;
    }
    const list = addresses.split(',').map(parseAddress);
    if (list.includes(undefined))
      faults.push(`${UPSTREAMS}: ${entry} is not service=http://host:port[,...].`);
    upstreams.set(
      service,
      list.filter((upstream) => upstream !== undefined),
    );
  }
  if (value.trim() === '') faults.push(`${UPSTREAMS} is missing: which services are behind this origin?`);
  return upstreams;
}

function parseAddress(text: string): Upstream | undefined {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'http:' || url.pathname !== '/') return undefined;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
}

function formatAddress({ host, port }: Upstream): string {
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}
