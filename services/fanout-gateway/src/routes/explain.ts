import { explanationSchema } from '@tidewire/contract';
import type { Explanation } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import type { Explainer } from '../explain/explainer.ts';
import { parseExplainQuery } from './explain-query.ts';
import { admitRequest } from './subscribe.ts';
import type { SubscribeRouteOptions } from './subscribe.ts';

export interface ExplainRouteOptions extends Pick<
  SubscribeRouteOptions,
  'addressOf' | 'admit' | 'allowedOrigins' | 'maxTopics'
> {
  readonly explainer: Explainer;
}

/** `GET /api/explain`: why somebody sees an event or what a subscription sees. */
export function registerExplainRoute(app: HttpServer, options: ExplainRouteOptions): void {
  const { explainer, maxTopics } = options;
  app.get('/api/explain', {
    config: { authentication: 'none' },
    schema: { response: { 200: explanationSchema } },
    handler: async (request): Promise<Explanation> => {
      // Whoever has no credential is nobody to explain anything to.
      const admission = await admitRequest(request.raw, { ...options, anonymousStreams: false });
      try {
        return await explainer.explain(parseExplainQuery(request.url, maxTopics), admission.reader);
      } finally {
        admission.release();
      }
    },
  });
}
