import { TOPIC_PATTERNS, formatTopic } from '@tidewire/contract';
import type { Topic, TopicList } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { topicListSchema } from '@tidewire/contract';
import type { HttpServer } from '@tidewire/service-kit';
import { identify, knowsSchema } from '../rights/access.ts';
import type { Reader } from '../rights/access.ts';
import { isReadableOrganisation, isReadableRegister } from '../rights/resolve-topics.ts';
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

function listTopics(view: RightsView, reader: Reader): TopicList {
  const entry = (topic: Topic, title: string): TopicList['topics'][number] => ({
    topic: formatTopic(topic),
    kind: topic.kind,
    title,
  });
  const registers = view
    .registers()
    .filter(({ id }) => isReadableRegister(view, reader, id))
    .flatMap((register) => [
      entry({ kind: 'register', register: register.slug }, register.title),
      ...view
        .schemas(register.id)
        .filter(({ id }) => knowsSchema(view, reader, id))
        .map((schema) =>
          entry({ kind: 'schema', register: register.slug, schema: schema.slug }, schema.title),
        ),
    ]);
  const principal = identify(view, reader)?.principal;
  const chain = principal === undefined || principal === null ? [] : view.chainOf(principal);
  const organisations = chain
    .filter((uuid) => isReadableOrganisation(view, reader, uuid))
    .map((uuid) => entry({ kind: 'organisation', uuid }, view.organisation(uuid)?.name ?? uuid));
  return { topics: [...registers, ...organisations], patterns: [...TOPIC_PATTERNS] };
}
