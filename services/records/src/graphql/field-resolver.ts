import { isUuid } from '@tidewire/contract';
import type { JsonValue, SystemField } from '@tidewire/contract';
import { describeFieldProblem, fitsLeaf, meaningOf } from '@tidewire/graphql';
import type { FieldMeaning, FieldProblem } from '@tidewire/graphql';
import type { GraphQLFieldResolver, GraphQLResolveInfo } from 'graphql';
import { fieldError } from './answer-error.ts';
import type { Chosen, Execution } from './execution.ts';
import type { ListArguments } from './list-arguments.ts';
import type { ResolvedObject } from './resolved-object.ts';

/** What resolvers are given beside the object. */
export interface ExecutionContext extends Record<PropertyKey, unknown> {
  readonly execution: Execution;
}

type Means<Kind extends FieldMeaning['kind']> = Extract<FieldMeaning, { kind: Kind }>;

/** The one resolver of all fields: what a field stands for says what becomes of it. */
export const resolveField: GraphQLFieldResolver<unknown, ExecutionContext> = (
  source,
  given,
  { execution },
  info,
) => {
  const field = info.parentType.getFields()[info.fieldName];
  const means = field && meaningOf(field);
  if (means === undefined) return heldBy(source, info.fieldName);
  switch (means.kind) {
    case 'single':
      return execution.single(means.schemaId, textOf(given['id']));
    case 'list':
      return execution.list(means.schemaId, given as ListArguments);
    case 'create':
    case 'update':
    case 'delete':
      return write(execution, { kind: means.kind, schemaId: means.schemaId }, given);
    case 'property':
      return propertyOf(source as ResolvedObject, means, execution, info);
    case 'system':
      return systemMemberOf(source as ResolvedObject, means, execution, info);
    case 'relation':
      return relatedTo(source as ResolvedObject, means, execution, info);
    default:
      throw new TypeError(`a field of kind ${means.kind} is not for execution`);
  }
};

/** Fields without a meaning of their own: `edges`, `pageInfo` and the like. */
function heldBy(source: unknown, name: string): unknown {
  return typeof source === 'object' && source !== null && Object.hasOwn(source, name)
    ? (source as Readonly<Record<string, unknown>>)[name]
    : null;
}

async function write(
  execution: Execution,
  { kind, schemaId }: { readonly kind: 'create' | 'update' | 'delete'; readonly schemaId: string },
  given: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const chosen = given as unknown as Chosen;
  const input = given['input'] as Readonly<Record<string, unknown>>;
  switch (kind) {
    case 'create':
      return await execution.create(schemaId, input, given['organisation'] as string | null | undefined);
    case 'update':
      return await execution.update(schemaId, chosen, input);
    case 'delete':
      return await execution.remove(schemaId, chosen, given['permanent'] === true);
  }
}

function propertyOf(
  { presented }: ResolvedObject,
  { name, leaf }: Means<'property'>,
  execution: Execution,
  info: GraphQLResolveInfo,
): JsonValue {
  const value = presented.object[name] as JsonValue | undefined;
  if (value === undefined) return presented.mayRead(name) ? null : nullFor('forbidden', execution, info);
  if (!fitsLeaf(leaf, value)) return nullFor('unfit', execution, info);
  return taken(execution, info, value);
}

/** Whoever may not read what it wrote learns its version and times. Where it is, it has said itself. */
function systemMemberOf(
  { schemaId, presented }: ResolvedObject,
  { name }: Means<'system'>,
  execution: Execution,
  info: GraphQLResolveInfo,
): JsonValue {
  const value = presented.object[name] as JsonValue | undefined;
  if (value !== undefined) return taken(execution, info, value);
  const slugs = execution.slugsOf(schemaId);
  const known = new Map<SystemField, string | undefined>([
    ['_register', slugs?.registerSlug],
    ['_schema', slugs?.schemaSlug],
  ]);
  return known.get(name) ?? nullFor('forbidden', execution, info);
}

async function relatedTo(
  { presented }: ResolvedObject,
  { property, many, schemaId }: Means<'relation'>,
  execution: Execution,
  info: GraphQLResolveInfo,
): Promise<unknown> {
  const value = presented.object[property];
  if (value === undefined && !presented.mayRead(property)) return nullFor('forbidden', execution, info);
  if (!many) {
    const [target] = await execution.related(schemaId, idsIn([value]));
    return target ?? null;
  }
  return Array.isArray(value) ? await execution.related(schemaId, idsIn(value)) : null;
}

/** What was stored as plain SQL may be anything. */
function idsIn(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string').filter((value) => isUuid(value.toLowerCase()));
}

function taken({ budget }: Execution, info: GraphQLResolveInfo, value: JsonValue): JsonValue {
  budget.takeValue(String(info.path.key), value);
  return value;
}

/** Null; why, is said as often as there is room for it. */
function nullFor(problem: FieldProblem, { budget }: Execution, { path }: GraphQLResolveInfo): null {
  if (!budget.takeError()) return null;
  const { code, message } = describeFieldProblem(problem, String(path.key));
  throw fieldError(code, message);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
