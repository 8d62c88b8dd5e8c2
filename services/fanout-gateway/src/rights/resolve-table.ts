import { TidewireError } from '@tidewire/contract';
import type { Topic } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import type { Interest } from '../fanout/subscription.ts';
import { knowsSchema } from './access.ts';
import type { Reader } from './access.ts';

/** A table as what the log calls it. */
export interface ResolvedTable {
  readonly topic: Topic;
  readonly interest: Interest;
}

/**
 * A table by its slug, as of now.
 *
 * @throws TidewireError NOT_FOUND, in the same words for what is absent and for what this reader may not see.
 */
export function resolveTable(view: RightsView, reader: Reader, table: string): ResolvedTable {
  const schema = view.schemaByTable(table);
  const register = schema && view.register(schema.register);
  if (schema === undefined || register === undefined || !knowsSchema(view, reader, schema.id)) {
    throw new TidewireError('NOT_FOUND', `There is no table '${table.slice(0, 100)}'`);
  }
  return {
    topic: { kind: 'schema', register: register.slug, schema: schema.slug },
    interest: { kind: 'schema', schemaId: schema.id },
  };
}
