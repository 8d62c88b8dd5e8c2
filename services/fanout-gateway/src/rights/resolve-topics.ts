import { TidewireError, formatTopic } from '@tidewire/contract';
import type { ObjectType, Topic } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { Interest } from '../fanout/subscription.ts';
import { identify, isAdministrator, knowsSchema } from './access.ts';
import type { Reader } from './access.ts';

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
  switch (topic.kind) {
    case 'register': {
      const register = view.registerBySlug(topic.register);
      if (register === undefined || !isReadableRegister(view, reader, register.id)) return undefined;
      return { kind: 'register', registerId: register.id };
    }
    case 'schema': {
      const schema = view.schemaBySlug(topic.register, topic.schema);
      if (schema === undefined || !knowsSchema(view, reader, schema.id)) return undefined;
      return { kind: 'schema', schemaId: schema.id };
    }
    case 'object':
      return { kind: 'object', uuid: topic.uuid };
    case 'organisation':
      return isReadableOrganisation(view, reader, topic.uuid)
        ? { kind: 'organisation', organisationId: topic.uuid }
        : undefined;
  }
}

/** A register can be read when one of its schemas can; an empty one only by administrators. */
export function isReadableRegister(view: RightsView, reader: Reader, registerId: string): boolean {
  if (isAdministrator(view, reader)) return true;
  return view.schemas(registerId).some((schema) => knowsSchema(view, reader, schema.id));
}

/** The active organisation and its ancestors; for administrators every one there is. */
export function isReadableOrganisation(view: RightsView, reader: Reader, organisationId: string): boolean {
  const principal = identify(view, reader)?.principal;
  if (principal === undefined || principal === null) return false;
  if (principal.admin) return view.organisation(organisationId)?.removed === false;
  return view.chainOf(principal).includes(organisationId);
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
