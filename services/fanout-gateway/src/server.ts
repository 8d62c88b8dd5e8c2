import { createHttpServer } from '@tidewire/service-kit';
import type { HttpServer, HttpServerOptions } from '@tidewire/service-kit';
import { registerConnectionsRoutes } from './routes/connections.ts';
import type { ConnectionsRouteOptions } from './routes/connections.ts';
import { registerExplainRoute } from './routes/explain.ts';
import type { ExplainRouteOptions } from './routes/explain.ts';
import { createGraphqlSocketOpener } from './routes/graphql-socket.ts';
import type { GraphqlSocketRouteOptions } from './routes/graphql-socket.ts';
import { registerGraphqlSubscribeRoute } from './routes/graphql-subscribe.ts';
import type { GraphqlSubscribeRouteOptions } from './routes/graphql-subscribe.ts';
import { registerGraphqlStreamRoute } from './routes/graphql-stream.ts';
import type { GraphqlStreamRouteOptions } from './routes/graphql-stream.ts';
import { registerPollRoute } from './routes/poll.ts';
import type { PollRouteOptions } from './routes/poll.ts';
import { registerStatusRoute } from './routes/status.ts';
import type { StatusRouteOptions } from './routes/status.ts';
import { isStreamRequest } from './routes/open-stream.ts';
import { registerPresenceRoute } from './routes/presence.ts';
import type { PresenceRouteOptions } from './routes/presence.ts';
import { registerSubscribeRoute } from './routes/subscribe.ts';
import type { SubscribeRouteOptions } from './routes/subscribe.ts';
import { registerTableSubscribeRoutes } from './routes/table-subscribe.ts';
import type { TableSubscribeRouteOptions } from './routes/table-subscribe.ts';
import { registerTopicsRoute } from './routes/topics.ts';

export type ServerOptions = Omit<HttpServerOptions, 'isStream'> &
  SubscribeRouteOptions &
  TableSubscribeRouteOptions &
  Omit<GraphqlSubscribeRouteOptions, 'openGraphqlSocket'> &
  GraphqlSocketRouteOptions &
  GraphqlStreamRouteOptions &
  PresenceRouteOptions &
  PollRouteOptions &
  ConnectionsRouteOptions &
  ExplainRouteOptions &
  StatusRouteOptions;

/** The gateway's HTTP server; it does not listen. */
export function createServer(options: ServerOptions): HttpServer {
  const app = createHttpServer({ ...options, isStream: isStreamRequest });
  registerSubscribeRoute(app, options);
  registerTableSubscribeRoutes(app, options);
  registerGraphqlSubscribeRoute(app, { ...options, openGraphqlSocket: createGraphqlSocketOpener(options) });
  registerGraphqlStreamRoute(app, options);
  registerPresenceRoute(app, options);
  registerPollRoute(app, options);
  registerTopicsRoute(app, options);
  registerStatusRoute(app, options);
  registerConnectionsRoutes(app, options);
  registerExplainRoute(app, options);
  return app;
}
