import { TidewireError } from '@tidewire/contract';
import type { HttpReply, HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { AppBundle } from '../assets/app-bundle.ts';
import { ASSETS_PATH, renderShell } from '../assets/app-shell.ts';
import { EncodedAssets } from '../assets/asset-encoding.ts';

/** Where each app is, and everything below it: what is there, it says itself. */
const APPS = [
  { name: 'live-pages', path: '/pages', title: 'Pages' },
  { name: 'console', path: '/console', title: 'Console' },
] as const;

/** A year: the name of a file changes with its content. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

const params = z.object({ name: z.string() });
const open = { config: { authentication: 'none' } } as const;

/** Apps of the browser: their HTML, and the files that it loads. `bundle` is asked on every request, and keeps what it made. */
export function appRoutes(app: HttpServer, bundle: () => Promise<AppBundle>): void {
  const encoded = new WeakMap<AppBundle, EncodedAssets>();
  app.get(`${ASSETS_PATH}/:name`, { ...open, schema: { params } }, async (request, reply) => {
    const made = await bundle();
    const assets = encoded.get(made) ?? new EncodedAssets(made.files);
    encoded.set(made, assets);
    const file = await assets.get(request.params.name, request.headers['accept-encoding']);
    if (file === undefined) throw new TidewireError('NOT_FOUND', 'There is no file of this name.');
    if (file.encoding !== undefined) void reply.header('content-encoding', file.encoding);
    return reply
      .headers({ 'content-type': file.type, 'cache-control': IMMUTABLE, 'vary': 'accept-encoding' })
      .send(file.body);
  });
  for (const { name, path, title } of APPS) {
    const sendShell = async (_request: unknown, reply: HttpReply): Promise<HttpReply> => {
      const entry = (await bundle()).apps.get(name);
      if (entry === undefined) throw new TidewireError('NOT_FOUND', 'There is nothing here.');
      return reply
        .headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
        .serializer(String)
        .send(renderShell(title, entry).html);
    };
    app.get(path, open, sendShell);
    app.get(`${path}/*`, open, sendShell);
  }
}
