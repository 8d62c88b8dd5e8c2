import type { TopicList } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { topicListSchema } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { listTopics } from '../rights/topic-list.ts';
import { admitRequest } from './admit-request.ts';
import type { AdmitRequestOptions } from './admit-request.ts';

export interface TopicsRouteOptions extends AdmitRequestOptions {
  readonly view: () => RightsView;
  /** @throws TidewireError while the rights are not known. */
  readonly requireReady: () => void;
}

/** `GET /api/realtime/topics`: what the caller may subscribe to, and the forms of topics. */
export function registerTopicsRoute(app: HttpServer, options: TopicsRouteOptions): void {
  app.get('/api/realtime/topics', {
    config: { authentication: 'none' },
    schema: {
      response: { 200: topicListSchema },
    },
    handler: async (request): Promise<TopicList> => {
      options.requireReady();
      const admission = await admitRequest(request.raw, options);
      try {
        return listTopics(options.view(), admission.reader);
      } finally {
        admission.release();
      }
    },
  });
}
