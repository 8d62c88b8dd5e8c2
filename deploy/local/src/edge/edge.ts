import { Agent, createServer } from 'node:http';
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createTrust, refuseMalformedHttp } from '@tidewire/service-kit';
import {
  answerJson,
  answerProblem,
  malformedAddress,
  notFound,
  readOnly,
  refuseUpgrade,
} from './edge-answers.ts';
import { forwardRequest, forwardStream, forwardUpgrade } from './edge-forward.ts';
import { dropForwarded, hasBody, wantsEventStream } from './edge-headers.ts';
import { routeOf } from './edge-routes.ts';
import type { EdgeService } from './edge-routes.ts';
import { UpstreamPool } from './edge-upstreams.ts';
import type { Upstream } from './edge-upstreams.ts';

const DEFAULT_LIMITS: EdgeLimits = {
  // Longer than the idle limit of the load balancers that may stand in front, so that they close first.
  keepAliveTimeout: 72_000,
  // Bounds how long a request may take to arrive; a stream's request has arrived, so it may stay for ever.
  requestTimeout: 300_000,
};
/** The edge listens on loopback unless it is told otherwise: what speaks to it there is on this machine. */
const DEFAULT_TRUSTED_PROXIES = 'loopback';
const STREAM_STALL_MS = 60_000;
/** Kept-alive connections to one service that wait for the next request. */
const FREE_CONNECTIONS = 64;

export interface EdgeOptions {
  /** Addresses to listen on. One that this machine does not have is skipped, unless it is the only one. */
  readonly hosts: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
  /** The processes of each service. A service without any does not exist here: its paths are 404. */
  readonly upstreams: ReadonlyMap<EdgeService, readonly Upstream[]>;
  /** Proxies in front whose `X-Forwarded-…` is passed on, as `TIDEWIRE_TRUSTED_PROXIES`. Default `loopback`. */
  readonly trustedProxies?: string;
  /** How long clients may take; the defaults are meant for everything but tests. Milliseconds. */
  readonly limits?: EdgeLimits;
}

type EdgeLimits = Pick<
  ServerOptions,
  'keepAliveTimeout' | 'requestTimeout' | 'headersTimeout' | 'connectionsCheckingInterval'
> & {
  /** How long the client of a stream may take nothing of what waits for it. */
  readonly streamStallMs?: number;
};

export interface Edge {
  readonly port: number;
  /**
   * Stops listening at once. What runs, event streams and WebSockets included, may finish for up to `graceMs` (its
   * services are draining meanwhile and say goodbye properly); then it is broken off.
   */
  stop(graceMs: number): Promise<void>;
}

/**
 * Opens the one origin in front of all services.
 *
 * @throws the listening error (`EADDRINUSE`, say); nothing is left listening then.
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: FREE_CONNECTIONS });
  const pools = new Map<EdgeService, UpstreamPool>();
  for (const [service, upstreams] of options.upstreams) {
    if (upstreams.length > 0) pools.set(service, new UpstreamPool(service, upstreams, agent));
  }
  const longLived = new Set<Socket>();
  const isTrusted = createTrust(options.trustedProxies ?? DEFAULT_TRUSTED_PROXIES);
  const createListener = (): Server => {
    const server = createEdgeServer(pools, agent, longLived, options.limits ?? {});
    for (const event of ['request', 'upgrade']) {
      server.prependListener(event, (request: IncomingMessage) => {
        if (!isTrusted(request.socket.remoteAddress ?? '')) dropForwarded(request);
      });
    }
    return server;
  };
  const servers = await listenOnAll(options, createListener);
  for (const pool of pools.values()) pool.start();
  const address = servers[0]?.address() as AddressInfo;

  return {
    port: address.port,
    stop: async (graceMs) => {
      for (const pool of pools.values()) pool.stop();
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      const deadline = setTimeout(() => {
        for (const socket of longLived) socket.destroy();
        for (const server of servers) server.closeAllConnections();
      }, graceMs);
      await Promise.all(closed);
      clearTimeout(deadline);
      agent.destroy();
    },
  };
}

function createEdgeServer(
  pools: ReadonlyMap<EdgeService, UpstreamPool>,
  agent: Agent,
  longLived: Set<Socket>,
  { streamStallMs = STREAM_STALL_MS, ...limits }: EdgeLimits,
): Server {
  const server = createServer({
    ...DEFAULT_LIMITS,
    ...limits,
    noDelay: true,
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  server.on('clientError', refuseMalformedHttp);
  server.on('request', (request, response) => {
    const target = routeOf(request.url ?? '');
    if (target === 'livez' || target === 'readyz') {
      if (!isRead(request)) return answerProblem(response, readOnly(), { Allow: 'GET, HEAD' });
      if (target === 'readyz') return void answerReadiness(response, pools);
      return answerJson(response, 200, { status: 'ok' });
    }
    if (target === 'malformed') return answerProblem(response, malformedAddress());
    const pool = target === 'none' ? undefined : pools.get(target);
    if (pool === undefined) return answerProblem(response, notFound());
    // A response without its socket waits for an earlier one on this connection: the raw way would overtake that.
    if (target === 'fanout-gateway' && isEventStream(request) && response.socket !== null) {
      remember(longLived, request.socket);
      return forwardStream(request, response, pool, streamStallMs);
    }
    return forwardRequest(request, response, pool, agent);
  });
  server.on('upgrade', (request, socket, head) => {
    const target = routeOf(request.url ?? '');
    if (target === 'malformed') return refuseUpgrade(socket, malformedAddress());
    const pool =
      target === 'none' || target === 'livez' || target === 'readyz' ? undefined : pools.get(target);
    if (pool === undefined) return refuseUpgrade(socket, notFound());
    remember(longLived, request.socket);
    return forwardUpgrade(request, request.socket, head, pool);
  });
  return server;
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function isEventStream(request: IncomingMessage): boolean {
  return request.method === 'GET' && wantsEventStream(request) && !hasBody(request);
}

function remember(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

/** The origin is ready when every service has a process that is. */
async function answerReadiness(
  response: ServerResponse,
  pools: ReadonlyMap<EdgeService, UpstreamPool>,
): Promise<void> {
  const checks = [...pools].map(async ([service, pool]) => [service, await pool.probe()] as const);
  const states = await Promise.all(checks);
  const ready = states.every(([, isReady]) => isReady);
  const services = Object.fromEntries(
    states.map(([service, isReady]) => [service, isReady ? 'ready' : 'away']),
  );
  const retry: Record<string, string> = ready ? {} : { 'Retry-After': '1' };
  answerJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'away', services }, retry);
}

async function listenOnAll(options: EdgeOptions, createListener: () => Server): Promise<Server[]> {
  const servers: Server[] = [];
  let port = options.port;
  try {
    for (const host of options.hosts) {
      const server = createListener();
      const listening = await listen(server, host, port);
      if (!listening) continue;
      servers.push(server);
      port = (server.address() as AddressInfo).port;
    }
    if (servers.length === 0)
      throw new Error(`this machine has none of the addresses ${options.hosts.join(', ')}`);
    return servers;
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
}

/** False when the machine does not have the address (IPv6 switched off, say). */
function listen(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(false);
      else reject(error);
    });
    server.listen({ host, port }, () => resolve(true));
  });
}
