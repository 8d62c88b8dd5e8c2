import { TidewireError, pagePathSchema } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import type { PageCatalogue } from '../definitions/page-catalogue.ts';

const open = { config: { authentication: 'none' } } as const;
const querystring = z.strictObject({ path: pagePathSchema });

/** `/api/pages`: which pages there are, and what they are made of. */
export function livePageRoutes(app: HttpServer, catalogue: PageCatalogue): void {
  app.get('/api/pages', open, async () => catalogue.list());
  app.get('/api/pages/definition', { ...open, schema: { querystring } }, async (request) => {
    const page = catalogue.find(request.query.path);
    if (page === undefined) throw new TidewireError('NOT_FOUND', 'There is no page at this path.');
    return page;
  });
}
