import { checkWrite } from '@tidewire/policy';
import { decide, forbidden, notFound } from './object-access.ts';
import type { PresentedObject } from './object-access.ts';
import type { ObjectTransaction } from './object-repository.ts';
import { presentWritten, refusalAt, requireAllowed, requireWritten } from './write-scope.ts';
import type { WriteScope } from './write-scope.ts';

/**
 * Brings deleted objects back as they were: for whoever may delete them and may create such ones. What is not in the trash,
 * or was not the caller's to see, is not found.
 */
export async function restoreObjects(
  scope: WriteScope,
  transaction: ObjectTransaction,
  uuids: readonly string[],
): Promise<readonly PresentedObject[]> {
  const { turn, target, context } = scope;
  const decision = decide(turn, target, 'delete');
  if (!decision.allowed) throw refusalAt(scope, 0, notFound(turn));
  const read = decide(turn, target, 'read');
  const { outcomes, barrier } = await transaction.restore(context, { decision, uuids });
  const presented = uuids.map((uuid, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error('the restore has no outcome');
    requireWritten(scope, { index, uuid, version: undefined, decision, read }, outcome);
    const { after } = outcome;
    if (after === null) throw new Error('the restore returned no image');
    const create = decide(turn, target, 'create', after._organisation ?? undefined);
    if (!create.allowed) throw refusalAt(scope, index, forbidden());
    // Its properties are what they were: nobody writes them now.
    const write = { decision: create, before: null, after, changedFields: [], nowMs: turn.nowMs };
    requireAllowed(scope, index, checkWrite(write));
    return presentWritten(scope, read, after);
  });
  await turn.confirm(barrier);
  return presented;
}
