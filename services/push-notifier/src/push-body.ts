import { formatCollectionMessage, formatObjectMessage } from '@tidewire/contract';
import type { ObjectMessage, PushAction, PushBody } from '@tidewire/contract';

/** That something changed, and where: never what. */
export function eventBody({ register, schema, uuid, version }: ObjectMessage, action: PushAction): PushBody {
  return { action, register: register.slug, schema: schema.slug, uuid, version: String(version) };
}

/** That something of a collection changed, nobody says what. */
export function batchBody({ register, schema }: Pick<PushBody, 'register' | 'schema'>): PushBody {
  return { action: 'batch', register, schema };
}

/** The messages that bring a body: lists of a collection stay as they are when one of its objects is another one. */
export function messageNames({ action, register, schema, uuid }: PushBody): readonly string[] {
  return [
    ...(uuid === undefined ? [] : [formatObjectMessage(uuid)]),
    ...(action === 'update' ? [] : [formatCollectionMessage(register, schema)]),
  ];
}
