import { TidewireError } from '@tidewire/contract';
import type { FieldError } from '@tidewire/contract';
import { checkWrite } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import type { Turn } from '../rights/judgement.ts';
import { decide, forbidden, knowsOf, notFound } from './object-access.ts';
import type { PresentedObject } from './object-access.ts';
import type { ObjectBody } from './object-body.ts';
import { withoutNulls } from './object-members.ts';
import type { NewObject, ObjectTransaction } from './object-repository.ts';
import { faultIn, presentWritten, refusalAt, refuseInvalid, requireAllowed } from './write-scope.ts';
import type { WriteScope } from './write-scope.ts';

/** An object to be created; `index` is its place in the request. */
export interface Creation {
  readonly index: number;
  readonly uuid: string;
  readonly body: ObjectBody;
}

/** A creation that is allowed as far as can be told before the statement. */
export interface PreparedCreation extends Creation {
  readonly decision: Granted;
  readonly object: NewObject;
}

/**
 * Objects owned by the caller, in its active organisation, complete with defaults.
 *
 * @throws TidewireError NOT_FOUND or FORBIDDEN where the caller may not create, VALIDATION_ERROR for what is wrong with any.
 */
export function prepareCreations(
  scope: WriteScope,
  creations: readonly Creation[],
): readonly PreparedCreation[] {
  const { turn, target, checks, placeOf } = scope;
  const owner = turn.principal?.id ?? null;
  const errors: FieldError[] = [];
  const prepared = creations.map((creation): PreparedCreation => {
    const { index, uuid, body } = creation;
    const organisation = organisationAt(scope, index, body);
    const decision = decide(turn, target, 'create', organisation ?? undefined);
    if (!decision.allowed)
      throw refusalAt(scope, index, knowsOf(turn, target) ? forbidden() : notFound(turn));
    const members = checks.withDefaults(body.members);
    const properties = withoutNulls(members);
    const faults = [...checks.check(members), ...checks.missing(properties)];
    errors.push(...faults.map((fault) => faultIn(placeOf(index), fault)));
    return { ...creation, decision, object: { uuid, organisation, owner, properties } };
  });
  refuseInvalid(errors);
  return prepared;
}

/** Inserts them; answers what the caller may see of each. */
export async function insertObjects(
  scope: WriteScope,
  transaction: ObjectTransaction,
  creations: readonly PreparedCreation[],
): Promise<readonly PresentedObject[]> {
  const { turn, target, context } = scope;
  const objects = creations.map(({ object }) => object);
  for (const { uuid, index } of creations) scope.written.set(uuid, index);
  const { outcomes, barrier } = await transaction.insert(context, objects);
  const read = decide(turn, target, 'read');
  const presented = creations.map(({ index, body, decision }, position) => {
    const after = outcomes[position]?.after;
    if (after === undefined || after === null) throw new Error('the insert returned no image');
    // What the schema says of itself needs no right of the caller.
    const changedFields = Object.keys(withoutNulls(body.members));
    const write = { decision, before: null, after, changedFields, nowMs: turn.nowMs };
    requireAllowed(scope, index, checkWrite(write));
    return presentWritten(scope, read, after);
  });
  await turn.confirm(barrier);
  return presented;
}

/** The organisation that an object is created in. */
export function organisationAt(scope: WriteScope, index: number, body: ObjectBody): string | null {
  const organisation = organisationFor(scope.turn, body);
  if (organisation !== undefined) return organisation;
  throw new TidewireError('VALIDATION_ERROR', 'The body is not valid.', {
    errors: [
      {
        field: `${scope.placeOf(index).row}/_organisation`,
        message: 'is not the id of an organisation',
      },
    ],
  });
}

/** Nobody may choose an organisation but administrators, who may also choose none; undefined: there is no such one. */
function organisationFor({ principal, view }: Turn, body: ObjectBody): string | null | undefined {
  const active = principal?.activeOrganisation ?? null;
  if (principal?.admin !== true || body.organisation === undefined) return active;
  if (body.organisation === null) return null;
  const organisation = view.organisation(body.organisation);
  return organisation !== undefined && !organisation.removed ? organisation.id : undefined;
}
