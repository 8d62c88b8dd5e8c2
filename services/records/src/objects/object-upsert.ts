import { randomUUID } from 'node:crypto';
import { TidewireError } from '@tidewire/contract';
import type { FieldError } from '@tidewire/contract';
import { sameJson } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import { formatPointer } from '@tidewire/service-kit';
import { badParameter, unknownFieldError } from './list-terms.ts';
import { decide, forbidden, knowsOf, notFound } from './object-access.ts';
import type { PresentedObject } from './object-access.ts';
import type { ObjectBody } from './object-body.ts';
import { updateObjects } from './object-change.ts';
import type { Change } from './object-change.ts';
import { insertObjects, organisationAt, prepareCreations } from './object-create.ts';
import { ConcurrentChange } from './object-repository.ts';
import type { ObjectKey, ObjectTransaction, WriteOutcome } from './object-repository.ts';
import { faultIn, refusalAt, refuseInvalid, staleToken } from './write-scope.ts';
import type { WriteScope } from './write-scope.ts';

/** Objects to be changed or created, by what identifies them. */
export interface Upsert {
  /** Names of the properties whose values together are an object's key. */
  readonly keyFields: readonly string[];
  readonly bodies: readonly ObjectBody[];
}

export interface UpsertResult {
  /** In the order in which they were given. */
  readonly objects: readonly PresentedObject[];
  readonly created: number;
  readonly updated: number;
}

interface PreparedUpsert {
  readonly read: Granted;
  readonly keys: readonly ObjectKey[];
  readonly changes: readonly Change[];
}

const KEY_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'instant']);

/**
 * Looks at all that can be told before the transaction.
 *
 * @throws TidewireError UNKNOWN_FIELD for a key field that is absent or unreadable, VALIDATION_ERROR for what is wrong with
 *   any object, its key included.
 */
export function prepareUpsert(scope: WriteScope, { keyFields, bodies }: Upsert): PreparedUpsert {
  const { turn, target, checks, placeOf } = scope;
  const read = decide(turn, target, 'read');
  if (!read.allowed || !knowsOf(turn, target)) throw refusalAt(scope, 0, notFound(turn));
  const names = [...new Set(keyFields)].toSorted();
  for (const name of names) requireKeyField(read, name);
  const changes = bodies.map((body, index): Change => ({ index, uuid: randomUUID(), body }));
  const errors: FieldError[] = [];
  for (const { index, body } of changes) {
    const faults = [...checks.check(body.members), ...missingKey(names, body)];
    errors.push(...faults.map((fault) => faultIn(placeOf(index), fault)));
  }
  refuseInvalid(errors);
  const keys = changes.map(({ index, body }): ObjectKey => {
    const values = names.map((name): [string, unknown] => [name, body.members[name]]);
    return { organisation: organisationAt(scope, index, body), values };
  });
  refuseRepeatedKeys(scope, keys);
  return { read, keys, changes };
}

/** Does it. Whoever upserts the same keys meanwhile waits, and then finds what this one left. */
export async function upsertObjects(
  scope: WriteScope,
  transaction: ObjectTransaction,
  { read, keys, changes }: PreparedUpsert,
): Promise<UpsertResult> {
  const { turn, context } = scope;
  await transaction.lockKeys(context, keys);
  const { matches, barrier } = await transaction.findKeys(context, { decision: read, keys });
  await turn.confirm(barrier);
  const known: Change[] = [];
  const fresh: Change[] = [];
  for (const change of changes) {
    const [uuid, ...others] = matches[change.index] ?? [];
    if (others.length > 0) throw refusalAt(scope, change.index, ambiguous());
    if (uuid !== undefined) known.push({ ...change, uuid });
    // What the token was read from is gone.
    else if (change.body.updatedMs !== undefined) throw refusalAt(scope, change.index, staleToken());
    else fresh.push(change);
  }
  const updated = known.length === 0 ? [] : await updateKnown(scope, transaction, { read, keys, known });
  const prepared = prepareCreations(scope, fresh);
  const created = prepared.length === 0 ? [] : await insertObjects(scope, transaction, prepared);
  const objects = new Map<number, PresentedObject>();
  for (const [position, { index }] of known.entries()) keep(objects, index, updated[position]);
  for (const [position, { index }] of fresh.entries()) keep(objects, index, created[position]);
  return {
    objects: changes.flatMap(({ index }) => objects.get(index) ?? []),
    created: created.length,
    updated: updated.length,
  };
}

interface KnownObjects {
  readonly read: Granted;
  readonly keys: readonly ObjectKey[];
  readonly known: readonly Change[];
}

async function updateKnown(
  scope: WriteScope,
  transaction: ObjectTransaction,
  { read, keys, known }: KnownObjects,
): Promise<readonly PresentedObject[]> {
  const decision = decide(scope.turn, scope.target, 'update');
  if (!decision.allowed) throw refusalAt(scope, known[0]?.index ?? 0, forbidden());
  const changes = { decision, read, mode: 'merge', changes: known } as const;
  return await updateObjects(scope, transaction, changes, ({ index }, outcome) => {
    if (!stillHas(outcome, keys[index])) throw new ConcurrentChange();
  });
}

/** A row was looked up before it was locked: somebody may have given it another key, or deleted it. */
function stillHas({ before }: WriteOutcome, key: ObjectKey | undefined): boolean {
  return (
    before !== null && key !== undefined && key.values.every(([name, value]) => sameJson(before[name], value))
  );
}

function keep(objects: Map<number, PresentedObject>, index: number, object?: PresentedObject): void {
  if (object !== undefined) objects.set(index, object);
}

/** The same words whether the field is absent or unreadable. */
function requireKeyField({ types, reads }: Granted, name: string): void {
  const type = reads.names.includes(name) ? types(name) : undefined;
  if (type === undefined) throw unknownFieldError(name);
  if (KEY_TYPES.has(type)) return;
  throw badParameter(name, `'${name}' cannot be part of a key: it is of type ${type}`);
}

function missingKey(names: readonly string[], { members }: ObjectBody): FieldError[] {
  return names
    .filter((name) => !Object.hasOwn(members, name) || members[name] === null)
    .map((name) => ({ field: formatPointer([name]), message: 'is part of the key and needs a value' }));
}

/** Twice the same key in one request would be one object that is two things. */
function refuseRepeatedKeys(scope: WriteScope, keys: readonly ObjectKey[]): void {
  const seen = new Map<string, number>();
  for (const [index, key] of keys.entries()) {
    const text = JSON.stringify(key);
    const first = seen.get(text);
    if (first !== undefined) {
      const message = `has the same key as the record at index ${first}`;
      const errors = [{ field: scope.placeOf(index).row, message }];
      throw new TidewireError('VALIDATION_ERROR', 'Two records have the same key.', { errors });
    }
    seen.set(text, index);
  }
}

function ambiguous(): TidewireError {
  return new TidewireError('CONFLICT', 'More than one record has this key: choose other fields to merge on.');
}
