import type { ObjectMessage } from '@tidewire/contract';
import type { Interest } from '../fanout/subscription.ts';

/** Whether an event belongs to one of the topics. By ids: a slug that is used again never means something older. */
export function matchesInterests(interests: readonly Interest[], message: ObjectMessage): boolean {
  return interests.some((interest) => {
    switch (interest.kind) {
      case 'register':
        return message.register.id === interest.registerId;
      case 'schema':
        return message.schema.id === interest.schemaId;
      case 'object':
        return message.uuid === interest.uuid;
      case 'organisation':
        return message.organisation === interest.organisationId;
    }
  });
}
