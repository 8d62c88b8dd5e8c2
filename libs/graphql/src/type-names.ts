import type { ObjectType, Register } from '@tidewire/contract';
import { camelCase, pascalCase, singularOf } from './name.ts';
import { BUILT_IN_TYPES } from './scalar.ts';

/** What GraphQL calls a schema and everything that is made of it. */
export interface TypeNames {
  readonly type: string;
  readonly event: string;
  readonly filter: string;
  readonly order: string;
  readonly input: string;
  readonly patch: string;
  readonly connection: string;
  readonly edge: string;
  /** Fields of Query. */
  readonly single: string;
  readonly list: string;
  /** Fields of Mutation. */
  readonly create: string;
  readonly update: string;
  readonly delete: string;
  /** Field of Subscription. */
  readonly events: string;
}

/** Registers and schemas that are there, for everybody alike: who may see which is looked at elsewhere. */
export interface Catalogue {
  readonly registers: readonly Register[];
  readonly schemas: readonly ObjectType[];
}

/**
 * The names of all schemas, by id. A schema is called after its slug; where one of its names is taken by a schema that was
 * made before it, or by GraphQL itself, its register's slug goes in front of all of them, and a number behind where that
 * is taken too. So a schema keeps its names while others come.
 */
export function assignNames({ registers, schemas }: Catalogue): ReadonlyMap<string, TypeNames> {
  const slugs = new Map(registers.map(({ id, slug }) => [id, slug]));
  const taken = new Set<string>(BUILT_IN_TYPES);
  const names = new Map<string, TypeNames>();
  for (const schema of [...schemas].sort(byCreation)) {
    const long = `${slugs.get(schema.register) ?? ''}-${schema.slug}`;
    const candidates = [schema.slug, long];
    let chosen: TypeNames | undefined;
    for (let index = 0; chosen === undefined; index += 1) {
      const base = candidates[index] ?? `${long}-${index}`;
      const made = namesOf(base);
      if (keysOf(made).every((key) => !taken.has(key))) chosen = made;
    }
    for (const key of keysOf(chosen)) taken.add(key);
    names.set(schema.id, chosen);
  }
  return names;
}

function namesOf(slug: string): TypeNames {
  const type = pascalCase(slug);
  const list = camelCase(slug);
  const singular = singularOf(slug);
  const one = pascalCase(singular);
  return {
    type,
    event: `${type}Event`,
    filter: `${type}Filter`,
    order: `${type}Order`,
    input: `${type}Input`,
    patch: `${type}Patch`,
    connection: `${type}Connection`,
    edge: `${type}Edge`,
    single: singular === slug ? `${list}ById` : camelCase(singular),
    list,
    create: `create${one}`,
    update: `update${one}`,
    delete: `delete${one}`,
    events: `${list}Events`,
  };
}

const ROOT_OF = Object.freeze({
  single: 'Query.',
  list: 'Query.',
  create: 'Mutation.',
  update: 'Mutation.',
  delete: 'Mutation.',
  events: 'Subscription.',
} as const satisfies Partial<Record<keyof TypeNames, string>>);

/** Names as they must not occur twice: fields of their root type, types among themselves. */
function keysOf(names: TypeNames): string[] {
  const roots: Partial<Record<string, string>> = ROOT_OF;
  return Object.entries(names).map(([kind, name]) => `${roots[kind] ?? ''}${name as string}`);
}

/** In the order in which they were made; those that do not tell come first, as they were made before it was told. */
function byCreation(one: ObjectType, other: ObjectType): number {
  const [first, second] = [one.created ?? '', other.created ?? ''];
  if (first !== second) return first < second ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}
