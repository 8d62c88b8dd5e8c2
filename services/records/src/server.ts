import { authenticationPlugin, createHttpServer } from '@tidewire/service-kit';
import type {
  AuthenticationOptions,
  HttpServer,
  Readiness,
  ServiceDependencies,
} from '@tidewire/service-kit';
import type { Catalogue } from './catalogue/catalogue.ts';
import type { GraphqlHandler } from './graphql/graphql-handler.ts';
import type { ObjectReader } from './objects/object-reader.ts';
import type { ObjectWriter } from './objects/object-writer.ts';
import { graphqlExplorerRoutes } from './routes/graphql-explorer.ts';
import { graphqlRoutes } from './routes/graphql.ts';
import { objectRoutes } from './routes/objects.ts';
import { registerRoutes } from './routes/registers.ts';
import { schemaRoutes } from './routes/schemas.ts';
import { tableRoutes } from './routes/tables.ts';
import { TableRecords } from './tables/table-records.ts';

/** What the routes are made of. */
export interface ServerOptions extends ServiceDependencies, AuthenticationOptions {
  readonly ready: () => Readiness;
  readonly catalogue: Catalogue;
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  readonly graphql: GraphqlHandler;
}

/** The HTTP server with all routes; it does not listen. */
export async function createServer(options: ServerOptions): Promise<HttpServer> {
  const { authenticate, allowedOrigins } = options;
  const app = createHttpServer(options);
  await app.register(authenticationPlugin, { authenticate, allowedOrigins });
  registerRoutes(app, options.catalogue);
  schemaRoutes(app, options.catalogue);
  objectRoutes(app, options.reader, options.writer);
  tableRoutes(app, new TableRecords(options.reader, options.writer));
  graphqlRoutes(app, options.graphql);
  graphqlExplorerRoutes(app);
  return app;
}
