import type { Connection } from '../delivery/connection.ts';
import { judge } from './judge.ts';
import type { Judgement } from './judge.ts';
import type { ObjectEntry } from './subscription.ts';
import type { SubscriptionRegistry } from './subscription-registry.ts';
import type { ViewClass } from './view-class.ts';

/** An answer that a connection gets in place of its class's; undefined: its owner hears nothing where the class does. */
export interface OwnAnswer {
  readonly connection: Connection;
  readonly viewClass: ViewClass;
  readonly judgement: Judgement | 'failed' | undefined;
}

export interface OwnerLane {
  readonly registry: SubscriptionRegistry;
  readonly nowMs: number;
  /** Names the event; every class that was a candidate carries it. */
  readonly stamp: number;
}

/**
 * The lane beside the classes for those who own the object, before or after the event: each of their classes is judged
 * once more with the own rows passing. Only answers that differ from the class's are reported; they take its place,
 * because suppressing the class's frame alone would tell an owner that the own row left.
 */
export function judgeForOwners(
  entry: ObjectEntry,
  lane: OwnerLane,
  answer: (own: OwnAnswer) => void,
  failed: (error: unknown) => void,
): void {
  const { before, after } = entry.message;
  const older = before?._owner ?? null;
  const newer = after?._owner ?? null;
  if (newer !== null) judgeForOwner(newer);
  if (older !== null && older !== newer) judgeForOwner(older);

  function judgeForOwner(ownerId: string): void {
    for (const { connection, classes } of lane.registry.subscriptionsOfPrincipal(ownerId)) {
      const viewClass = classes.get(entry.message.schema.id);
      if (viewClass === undefined || viewClass === null || !viewClass.decision.ownerPasses) continue;
      if (!lane.registry.claim(connection, viewClass, lane.stamp)) continue;
      const judgement = judgeSafely(viewClass, ownerId);
      if (differs(judgement, classAnswer(viewClass))) answer({ connection, viewClass, judgement });
    }
  }

  function judgeSafely(viewClass: ViewClass, ownerId: string): Judgement | 'failed' | undefined {
    try {
      return judge(viewClass, entry.message, { nowMs: lane.nowMs, ownerId });
    } catch (error) {
      failed(error);
      return 'failed';
    }
  }

  /** A class that was no candidate cannot see the event. */
  function classAnswer(viewClass: ViewClass): Judgement | 'failed' | undefined {
    return viewClass.stamp === lane.stamp ? viewClass.judgement : undefined;
  }
}

/** Property rules bind the owner too, so that the same transition shows the same fields. */
function differs(own: Judgement | 'failed' | undefined, shared: Judgement | 'failed' | undefined): boolean {
  // A class that failed has told its members to fetch again, owners included.
  if (shared === 'failed' || own === 'failed') return own !== shared && shared !== 'failed';
  return own?.transition !== shared?.transition;
}
