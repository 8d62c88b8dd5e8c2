import type { Topic } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { identify, isAdministrator, knowsSchema } from './access.ts';
import type { Reader } from './access.ts';

/** Whether a topic is there for a reader. Objects always are: whether one exists is not said. */
export function isReadableTopic(view: RightsView, reader: Reader, topic: Topic): boolean {
  switch (topic.kind) {
    case 'register': {
      const register = view.registerBySlug(topic.register);
      return register !== undefined && isReadableRegister(view, reader, register.id);
    }
    case 'schema': {
      const schema = view.schemaBySlug(topic.register, topic.schema);
      return schema !== undefined && knowsSchema(view, reader, schema.id);
    }
    case 'object':
      return true;
    case 'organisation':
      return isReadableOrganisation(view, reader, topic.uuid);
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
