import type { FieldError } from '@tidewire/contract';
import { checkWrite } from '@tidewire/policy';
import type { Decision, Granted } from '@tidewire/policy';
import type { PresentedObject } from './object-access.ts';
import type { ObjectBody } from './object-body.ts';
import { finalMembers, mergedProblems, withReadableDefaults, withoutNulls } from './object-members.ts';
import type { ChangeKind } from './object-members.ts';
import type { ObjectTransaction, WriteOutcome } from './object-repository.ts';
import { faultIn, presentWritten, refuseInvalid, requireAllowed, requireWritten } from './write-scope.ts';
import type { WriteScope } from './write-scope.ts';

/** A write of an object that exists; `index` is its place in the request. */
export interface Change {
  readonly index: number;
  readonly uuid: string;
  readonly body: ObjectBody;
}

/** Changes of one kind, with the rights that they are made by. */
export interface Changes {
  readonly decision: Granted;
  readonly read: Decision;
  /** `merge`: RFC 7396; `replace`: the whole object. */
  readonly mode: ChangeKind;
  readonly changes: readonly Change[];
}

/** The same changes, replacements completed with defaults. */
export function completeChanges({ checks }: WriteScope, given: Changes): Changes {
  if (given.mode === 'merge') return given;
  const changes = given.changes.map((change): Change => {
    const members = withReadableDefaults(checks, change.body.members, given.read);
    return { ...change, body: { ...change.body, members } };
  });
  return { ...given, changes };
}

/** What is wrong with changes as far as can be told before the statement, per change that has a fault. */
export function faultsOf(
  { checks, placeOf }: WriteScope,
  { mode, changes }: Changes,
): ReadonlyMap<Change, readonly FieldError[]> {
  const faults = new Map<Change, readonly FieldError[]>();
  for (const change of changes) {
    const found = checks.check(finalMembers(mode, change.body.members));
    if (found.length > 0)
      faults.set(
        change,
        found.map((fault) => faultIn(placeOf(change.index), fault)),
      );
  }
  return faults;
}

/** Updates the objects; answers what the caller may see of each. `also` looks at an outcome before it is accepted. */
export async function updateObjects(
  scope: WriteScope,
  transaction: ObjectTransaction,
  { decision, read, mode, changes }: Changes,
  also: (change: Change, outcome: WriteOutcome) => void = () => {},
): Promise<readonly PresentedObject[]> {
  const { turn, context, checks } = scope;
  for (const { uuid, index } of changes) scope.written.set(uuid, index);
  const { outcomes, barrier } = await transaction.update(context, {
    decision,
    mode,
    reader: read.allowed ? read : undefined,
    changes: changes.map(({ uuid, body: { version, updatedMs, members } }) => ({
      uuid,
      version,
      updatedMs,
      properties: mode === 'merge' ? members : withoutNulls(members),
    })),
  });
  const presented = changes.map((change, position) => {
    const { index, uuid, body } = change;
    const { version, updatedMs } = body;
    const outcome = outcomes[position];
    if (outcome === undefined) throw new Error('the update has no outcome');
    also(change, outcome);
    requireWritten(scope, { index, uuid, version, updatedMs, decision, read }, outcome);
    const { before, after } = outcome;
    if (after === null) throw new Error('the update returned no image');
    const faults = mergedProblems(checks, mode, body.members, after);
    refuseInvalid(faults.map((fault) => faultIn(scope.placeOf(index), fault)));
    const sent = { names: Object.keys(body.members), read };
    requireAllowed(scope, index, checkWrite({ decision, before, after, sent, nowMs: turn.nowMs }));
    return presentWritten(scope, read, after);
  });
  await turn.confirm(barrier);
  return presented;
}
