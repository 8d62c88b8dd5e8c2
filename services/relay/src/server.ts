import { createHttpServer } from '@tidewire/service-kit';
import type { HttpServer, HttpServerOptions } from '@tidewire/service-kit';

/** The relay has no endpoints of its own: health and metrics only. Does not listen. */
export function createServer(options: HttpServerOptions): HttpServer {
  return createHttpServer(options);
}
