import { TidewireError, isUuid } from '@tidewire/contract';
import type { ObjectType, Topic } from '@tidewire/contract';
import type { RightsView } from '@tidewire/policy';
import { knowsSchema } from '@tidewire/rights';
import type { Reader } from '@tidewire/rights';
import type { Interest } from '../fanout/subscription.ts';

/** A table as what the log calls it. */
export interface ResolvedTable {
  /** Its slug, however it was named. */
  readonly table: string;
  readonly topic: Topic;
  readonly interest: Interest;
}

/**
 * A table by its slug or by the UUID of its schema, as of now.
 *
 * @throws TidewireError NOT_FOUND, in the same words for what is absent and for what this reader may not see.
 */
export function resolveTable(view: RightsView, reader: Reader, table: string): ResolvedTable {
  const schema = findSchema(view, table);
  const register = schema && view.register(schema.register);
  if (schema === undefined || register === undefined || !knowsSchema(view, reader, schema.id)) {
    throw new TidewireError('NOT_FOUND', `There is no table '${table.slice(0, 100)}'`);
  }
  return {
    table: schema.table,
    topic: { kind: 'schema', register: register.slug, schema: schema.slug },
    interest: { kind: 'schema', schemaId: schema.id },
  };
}

function findSchema(view: RightsView, table: string): ObjectType | undefined {
  const id = table.toLowerCase();
  if (!isUuid(id)) return view.schemaByTable(table);
  const schema = view.schema(id);
  return schema?.removed === false ? schema : undefined;
}
