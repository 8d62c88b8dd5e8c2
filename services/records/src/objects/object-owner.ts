import { checkWrite } from '@tidewire/policy';
import type { Granted } from '@tidewire/policy';
import { decide } from './object-access.ts';
import type { PresentedObject } from './object-access.ts';
import type { ObjectTransaction, Precondition } from './object-repository.ts';
import { presentWritten, requireAllowed, requireWritten } from './write-scope.ts';
import type { WriteScope } from './write-scope.ts';

/** An object and whose it shall be; null: nobody's. */
export interface Transfer extends Precondition {
  readonly owner: string | null;
}

/** Gives an object another owner, who passes the rules of rows from then on. `decision` is an administrator's. */
export async function transferObject(
  scope: WriteScope,
  transaction: ObjectTransaction,
  { decision, transfer }: { readonly decision: Granted; readonly transfer: Transfer },
): Promise<PresentedObject> {
  const { turn, target, context } = scope;
  const { owner, ...object } = transfer;
  const read = decide(turn, target, 'read');
  scope.written.set(object.uuid, 0);
  const { outcomes, barrier } = await transaction.transfer(context, { decision, objects: [object], owner });
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error('the transfer has no outcome');
  requireWritten(scope, { index: 0, ...object, decision, read }, outcome);
  const { before, after } = outcome;
  if (after === null) throw new Error('the transfer returned no image');
  requireAllowed(scope, 0, checkWrite({ decision, before, after, nowMs: turn.nowMs }));
  await turn.confirm(barrier);
  return presentWritten(scope, read, after);
}
