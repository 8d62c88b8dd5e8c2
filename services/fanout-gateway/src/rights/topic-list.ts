import { TOPIC_PATTERNS, formatTopic } from '@tidewire/contract';
import type { Topic, TopicList } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { identify, isReadableOrganisation, isReadableRegister, knowsSchema } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';

/** What the reader may subscribe to by the rights of now, and the forms of topics. */
export function listTopics(view: RightsView, reader: Reader): TopicList {
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
