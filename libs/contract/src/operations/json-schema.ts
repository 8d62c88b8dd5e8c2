import { z } from 'zod';
import { MESSAGES } from '../message-catalogue.ts';
import type { MessageName } from '../message-catalogue.ts';
import { COMPONENT_SCHEMAS } from './component.ts';

/** A JSON Schema of the 2020-12 dialect. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas in JSON, and the named ones that they refer to. */
export interface JsonSchemas {
  /** Refers to a named schema, or writes an unnamed one out. Same object in, equal schema out. */
  readonly of: (schema: z.ZodType) => JsonSchema;
  /** All named schemas that `of` answered with so far, and those that they need themselves; sorted by name. */
  readonly used: () => Readonly<Record<string, JsonSchema>>;
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
/** Marks what has no name: written out wherever it is referred to. */
const UNNAMED = '~';

/**
 * Translates zod schemas. `prefix` is what stands before the name in a `$ref`. Requests and answers are described as they
 * are sent: a client need not know what a parser makes of them, and members that it does not know are to be expected.
 */
export function createJsonSchemas(schemas: Iterable<z.ZodType>, prefix: string): JsonSchemas {
  const names = new Map<z.ZodType, string>();
  for (const [name, schema] of COMPONENT_SCHEMAS) names.set(schema, name);
  for (const schema of schemas) if (!names.has(schema)) names.set(schema, `${UNNAMED}${names.size}`);
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of names) registry.add(schema, { id });
  const all: Readonly<Record<string, JsonSchema>> = z.toJSONSchema(registry, {
    io: 'input',
    // What a check in code refuses has no JSON Schema; the reader is told "anything" there instead of nothing.
    unrepresentable: 'any',
    uri: (id) => id,
  }).schemas;

  const used = new Set<string>();
  const resolve = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(resolve);
    if (node === null || typeof node !== 'object') return node;
    const { $ref, ...rest } = node as { $ref?: unknown };
    const siblings = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, resolve(value)]));
    if (typeof $ref !== 'string') return withoutLoneAlternative(siblings);
    // The translator's own helper definitions would be names that nobody gave.
    if ($ref.includes('#')) throw new Error(`a schema that refers to itself has no name: ${$ref}`);
    return { ...refer($ref), ...siblings };
  };
  const body = (name: string): JsonSchema => {
    const { $schema: _schema, $id: _id, id: _name, ...rest } = all[name] ?? {};
    return resolve(rest) as JsonSchema;
  };
  const refer = (name: string): JsonSchema => {
    if (name.startsWith(UNNAMED)) return body(name);
    used.add(name);
    return { $ref: `${prefix}${name}` };
  };
  return {
    of(schema) {
      const name = names.get(schema);
      if (name === undefined) throw new Error('a schema was not announced');
      return refer(name);
    },
    used() {
      const bodies = new Map<string, JsonSchema>();
      // The body of one may use others, which are added to the set while it is walked.
      for (const name of used) bodies.set(name, body(name));
      return Object.fromEntries([...bodies].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
}

/** A union that has one member so far is that member. */
function withoutLoneAlternative(node: JsonSchema): JsonSchema {
  const { oneOf, ...rest } = node;
  return Array.isArray(oneOf) && oneOf.length === 1 ? { ...rest, ...(oneOf[0] as JsonSchema) } : node;
}

/** Names a message's schema for good, wherever the file lies. */
export function messageSchemaId(name: MessageName): string {
  return `urn:tidewire:message:${name}`;
}

/** The JSON Schema of a message, complete in itself. */
export function createMessageSchema(name: MessageName): JsonSchema {
  const { schema, summary } = MESSAGES[name];
  const schemas = createJsonSchemas([schema], '#/$defs/');
  const root = schemas.of(schema);
  const all = schemas.used();
  const named = /^#\/\$defs\/(\w+)$/.exec(String(root['$ref']))?.[1];
  const top = named === undefined ? root : all[named];
  const definitions = Object.fromEntries(Object.entries(all).filter(([key]) => key !== named));
  return {
    $schema: DIALECT,
    $id: messageSchemaId(name),
    title: name,
    description: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...top,
    ...(Object.keys(definitions).length > 0 && { $defs: definitions }),
  };
}
