import type { HttpServer } from '@tidewire/service-kit';
import type { Explainer } from '../explain/explainer.ts';
import { parseExplainQuery } from './explain-query.ts';
import { admitRequest } from './admit-request.ts';
import { readQuery } from './subscription-query.ts';
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
    handler: async (request, reply) => {
      // Whoever has no credential is nobody to explain anything to.
      const admission = await admitRequest(request.raw, { ...options, anonymousStreams: false });
      try {
        const question = parseExplainQuery(readQuery(request.url), maxTopics);
        const explanation = await explainer.explain(question, admission.reader);
        // Mostly read by people, in a terminal.
        const text = `${JSON.stringify(explanation, null, 2)}\n`;
        return await reply.type('application/json; charset=utf-8').send(text);
      } finally {
        admission.release();
      }
    },
  });
}
