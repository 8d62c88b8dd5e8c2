import { createHttpServer } from '@tidewire/service-kit';
import type { HttpServer, HttpServerOptions } from '@tidewire/service-kit';
import { registerConnectionsRoutes } from './routes/connections.ts';
import type { ConnectionsRouteOptions } from './routes/connections.ts';
import { registerExplainRoute } from './routes/explain.ts';
import type { ExplainRouteOptions } from './routes/explain.ts';
import { registerPollRoute } from './routes/poll.ts';
import type { PollRouteOptions } from './routes/poll.ts';
import { registerStatusRoute } from './routes/status.ts';
import type { StatusRouteOptions } from './routes/status.ts';
import { isSubscribe, registerSubscribeRoute } from './routes/subscribe.ts';
import type { SubscribeRouteOptions } from './routes/subscribe.ts';
import { registerTopicsRoute } from './routes/topics.ts';

export type ServerOptions = Omit<HttpServerOptions, 'isStream'> &
  SubscribeRouteOptions &
  PollRouteOptions &
  ConnectionsRouteOptions &
  ExplainRouteOptions &
  StatusRouteOptions;

/** The gateway's HTTP server; it does not listen. */
export function createServer(options: ServerOptions): HttpServer {
  const app = createHttpServer({ ...options, isStream: isSubscribe });
  registerSubscribeRoute(app, options);
  registerPollRoute(app, options);
  registerTopicsRoute(app, options);
  registerStatusRoute(app, options);
  registerConnectionsRoutes(app, options);
  registerExplainRoute(app, options);
  return app;
}
