import type { FastifyInstance } from 'fastify';

/** A route as it is registered: `path` as OpenAPI writes it. */
export interface RegisteredRoute {
  readonly method: string;
  readonly path: string;
}

const lists = new WeakMap<object, RegisteredRoute[]>();

/** Takes down every route that is registered from now on, except those that a GET brings with it (HEAD). */
export function recordRoutes(app: FastifyInstance): void {
  const list: RegisteredRoute[] = [];
  lists.set(app.server, list);
  app.addHook('onRoute', ({ method, url }) => {
    const path = url.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    for (const name of [method].flat()) if (name !== 'HEAD') list.push({ method: name, path });
  });
}

/** The routes of a server of {@link createHttpServer}, once it is ready. What the contract's table is compared with. */
export function listRoutes(app: Pick<FastifyInstance, 'server'>): readonly RegisteredRoute[] {
  return lists.get(app.server) ?? [];
}
