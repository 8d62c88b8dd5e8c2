import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { createHttpServer } from '@tidewire/service-kit';
import type { HttpServer, HttpServerOptions } from '@tidewire/service-kit';
import type { AppBundle } from './assets/app-bundle.ts';
import { createLazyBundle } from './assets/lazy-bundle.ts';
import { PageCatalogue } from './definitions/page-catalogue.ts';
import { appRoutes } from './routes/apps.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { livePageRoutes } from './routes/live-pages.ts';

const publicFolder = join(import.meta.dirname, '..', 'public');

/** Everything comes from this origin, and nobody may frame it. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export interface PagesServerOptions extends HttpServerOptions {
  /** Live pages; none when absent. */
  readonly catalogue?: PageCatalogue;
  /** The apps; those of `app/` when absent. */
  readonly bundle?: () => Promise<AppBundle>;
}

/** The server of the pages: files of `public/`, `/` being `index.html`, apps and the documentation. It does not listen. */
export async function createServer(options: PagesServerOptions): Promise<HttpServer> {
  const { logger, clock } = options;
  const app = createHttpServer(options);
  await app.register(async (files) => {
    // Paths in an odd spelling ("//x", "/./x") are refused as forbidden there; no file has such a name, nor a secret.
    files.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      if (error.statusCode !== 403) throw error;
      reply.callNotFound();
    });
    await files.register(fastifyStatic, {
      root: publicFolder,
      // Files change with a deploy, and the validators of @fastify/static answer 304 until then.
      cacheControl: false,
      dotfiles: 'ignore',
    });
  });
  documentationRoutes(app);
  appRoutes(app, options.bundle ?? createLazyBundle(logger));
  livePageRoutes(app, options.catalogue ?? new PageCatalogue({ file: undefined, clock, logger }));
  app.addHook('onSend', async (_request, reply) => {
    if (!String(reply.getHeader('content-type')).startsWith('text/html')) return;
    void reply.header('content-security-policy', PAGE_POLICY);
  });
  return app;
}
