import { TidewireError, formatTopic } from '@tidewire/contract';
import type { ObjectType, Topic } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { isReadableTopic } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Interest } from '../fanout/subscription.ts';

/**
 * Topics by ids, as of now. Objects are accepted as they are: whether one exists is not said.
 *
 * @throws TidewireError NOT_FOUND, in the same words for what is absent and for what this reader may not see.
 */
export function resolveTopics(view: RightsView, reader: Reader, topics: readonly Topic[]): Interest[] {
  return topics.map((topic) => {
    const interest = resolveTopic(view, reader, topic);
    if (interest === undefined) {
      throw new TidewireError('NOT_FOUND', `There is no topic '${formatTopic(topic)}'`);
    }
    return interest;
  });
}

function resolveTopic(view: RightsView, reader: Reader, topic: Topic): Interest | undefined {
  return isReadableTopic(view, reader, topic) ? interestIn(view, topic) : undefined;
}

function interestIn(view: RightsView, topic: Topic): Interest | undefined {
  switch (topic.kind) {
    case 'register': {
      const register = view.registerBySlug(topic.register);
      return register && { kind: 'register', registerId: register.id };
    }
    case 'schema': {
      const schema = view.schemaBySlug(topic.register, topic.schema);
      return schema && { kind: 'schema', schemaId: schema.id };
    }
    case 'object':
      return { kind: 'object', uuid: topic.uuid };
    case 'organisation':
      return { kind: 'organisation', organisationId: topic.uuid };
  }
}

/** Whether events of the schema can belong to one of the interests. */
export function coversSchema(
  interests: readonly Interest[],
  schema: { readonly id: string; readonly register: string },
): boolean {
  return interests.some((interest) => {
    switch (interest.kind) {
      case 'register':
        return interest.registerId === schema.register;
      case 'schema':
        return interest.schemaId === schema.id;
      // An object or an organisation's objects may be of any schema.
      case 'object':
      case 'organisation':
        return true;
    }
  });
}

/** The schemas that the interests reach, those that are gone left out. */
export function coveredSchemas(view: RightsView, interests: readonly Interest[]): readonly ObjectType[] {
  return view.schemas().filter((schema) => coversSchema(interests, schema));
}
