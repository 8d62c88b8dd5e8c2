import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { EdgeService } from './edge-routes.ts';
import type { Upstream } from './edge-upstreams.ts';
import { startEdge } from './edge.ts';
import type { Edge, EdgeOptions } from './edge.ts';

/** A stand-in for a service: a real HTTP server on loopback, closed with its test. */
export interface StandIn extends Upstream {
  readonly server: Server;
}

export async function startService(listener: RequestListener): Promise<StandIn> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** An address where nothing listens. */
export async function closedPort(): Promise<Upstream> {
  const { server, host, port } = await startService(() => {});
  server.close();
  await once(server, 'close');
  return { host, port };
}

export async function edgeBefore(
  upstreams: Partial<Record<EdgeService, Upstream[]>>,
  limits?: EdgeOptions['limits'],
  trustedProxies?: string,
): Promise<Edge> {
  const edge = await startEdge({
    ...(limits === undefined ? {} : { limits }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    hosts: ['127.0.0.1'],
    port: 0,
    upstreams: new Map(Object.entries(upstreams) as [EdgeService, Upstream[]][]),
  });
  onTestFinished(() => edge.stop(0));
  return edge;
}

export function address(edge: Edge, path: string): string {
  return `http://127.0.0.1:${edge.port}${path}`;
}

export function openStream(edge: Edge, path = '/api/realtime/subscribe'): Promise<IncomingMessage> {
  const options = { headers: { accept: 'text/event-stream' }, agent: false } as const;
  return new Promise((resolve, reject) => {
    get(address(edge, path), options, resolve).on('error', reject);
  });
}
