import { randomBytes } from 'node:crypto';
import { GRAPHQL_PATHS, TidewireError } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { z } from 'zod';
import { ExplorerFiles } from '../graphql/explorer-files.ts';
import { renderExplorer } from '../graphql/explorer-page.ts';

const params = z.object({ file: z.string() });

/** `/api/graphql/explorer`: a page for people who are signed in. Its files are those of public packages. */
export function graphqlExplorerRoutes(app: HttpServer): void {
  const files = new ExplorerFiles();
  app.get(GRAPHQL_PATHS.explorer, async (_request, reply) => {
    const { html, policy } = renderExplorer(randomBytes(16).toString('base64'));
    return reply
      .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
      .serializer(String)
      .send(html);
  });
  app.get(
    `${GRAPHQL_PATHS.explorer}/:file`,
    { config: { authentication: 'none' }, schema: { params } },
    async (request, reply) => {
      const file = await files.get(request.params.file);
      if (file === undefined) throw new TidewireError('NOT_FOUND', 'Not found.');
      const { content, mediaType, tag } = file;
      // Kept, and asked for again with each visit: the files change with a deploy.
      void reply.headers({ 'etag': tag, 'cache-control': 'no-cache' });
      if (request.headers['if-none-match'] === tag) return reply.code(304).send();
      return reply.type(mediaType).send(content);
    },
  );
}
