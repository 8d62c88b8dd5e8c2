import { evaluate, evaluateDuring, parseInstant } from '@tidewire/condition';
import type { ObjectImage, ObjectMessage, Transition } from '@tidewire/contract';
import {
  meetsFilter,
  passesRules,
  visibleFields,
  visibleFieldsDuring,
  intersectMasks,
} from '@tidewire/policy';
import type { FieldMask } from '@tidewire/policy';
import { carriesImage, decideTransition } from '@tidewire/rights';
import type { AfterView, BeforeView } from '@tidewire/rights';
import { wireAction } from '../formats/cloud-event.ts';
import type { ViewClass } from './view-class.ts';

/** What an event is to a class: the transition, and which properties its members may read on each image. */
export interface Judgement {
  readonly transition: Transition;
  /** 0 where the transition shows nothing of the image, so that equal frames have equal masks. */
  readonly before: FieldMask;
  readonly after: FieldMask;
  /** Of the properties that records are sorted by, those that may be read on the new image. */
  readonly sortable: FieldMask;
  readonly withActor: boolean;
}

/** For whom and when. `ownerId`: judged for this principal, whose own rows pass; undefined: for the class. */
export interface Judging {
  readonly nowMs: number;
  readonly ownerId?: string | undefined;
}

/**
 * Judges an event for a class. Rights see the whole images; the filter sees each image as projected for itself, so
 * that entering and leaving it tells nothing about hidden fields. Undefined: the members do not hear of it.
 */
export function judge(viewClass: ViewClass, message: ObjectMessage, judging: Judging): Judgement | undefined {
  const { before, after, action } = message;
  const afterMask = after === null ? undefined : maskNow(viewClass, after, judging);
  const beforeView = viewBefore(viewClass, before, judging);
  const afterView: AfterView = after === null ? 'none' : afterMask === undefined ? 'hidden' : 'now';
  const transition = decideTransition(action, beforeView, afterView);
  if (transition === undefined || viewClass.events?.has(wireAction(transition)) === false) return undefined;
  const shown = carriesImage(transition);
  const beforeMask =
    transition === 'updated' && before !== null
      ? visibleFields(viewClass.decision, before, judging.nowMs)
      : 0;
  return {
    transition,
    before: wanted(viewClass.fields, beforeMask),
    after: wanted(viewClass.fields, shown ? (afterMask ?? 0) : 0),
    sortable:
      viewClass.sort === undefined || !shown ? 0 : intersectMasks(viewClass.sort.fields, afterMask ?? 0),
    withActor: transition !== 'left' && sharesOrganisation(viewClass, message),
  };
}

/** The properties that may be read on an image that the members see at this moment; undefined: they do not see it. */
export function maskNow(viewClass: ViewClass, image: ObjectImage, judging: Judging): FieldMask | undefined {
  const { decision, filter } = viewClass;
  const { nowMs } = judging;
  if (!passesRules(decision, image, nowMs) && !isOwn(viewClass, image, judging)) return undefined;
  if (!evaluate(viewClass.topics, image)) return undefined;
  const mask = visibleFields(decision, image, nowMs);
  return filter === undefined || meetsFilter(decision, filter, image, { mask, nowMs }) ? mask : undefined;
}

/** What the members could see of a before image. */
export function viewBefore(viewClass: ViewClass, image: ObjectImage | null, judging: Judging): BeforeView {
  if (image === null) return 'none';
  if (maskNow(viewClass, image, judging) !== undefined) return 'now';
  return viewClass.decision.usesNow && wasSeen(viewClass, image, judging) ? 'once' : 'hidden';
}

/** Whether the members could see an image at some moment since it was written: time hides rows without an event. */
function wasSeen(viewClass: ViewClass, image: ObjectImage, judging: Judging): boolean {
  const { decision, filter } = viewClass;
  const { nowMs } = judging;
  const writtenMs = parseInstant(image._updated) ?? nowMs;
  const passed = evaluateDuring(decision.rows, image, writtenMs, nowMs) || isOwn(viewClass, image, judging);
  if (!passed || !evaluate(viewClass.topics, image)) return false;
  const mask = visibleFieldsDuring(decision, image, writtenMs, nowMs);
  return filter === undefined || meetsFilter(decision, filter, image, { mask, nowMs });
}

function isOwn(viewClass: ViewClass, image: ObjectImage, { ownerId }: Judging): boolean {
  const { decision } = viewClass;
  return (
    ownerId !== undefined &&
    decision.ownerPasses &&
    image._owner === ownerId &&
    evaluate(decision.boundary, image)
  );
}

function wanted(fields: FieldMask | undefined, mask: FieldMask): FieldMask {
  return fields === undefined ? mask : intersectMasks(mask, fields);
}

/** Who made a change is told inside an organisation only. */
function sharesOrganisation({ actorOrganisations }: ViewClass, { actor }: ObjectMessage): boolean {
  if (actor === null) return false;
  if (actorOrganisations === 'all') return true;
  return actor.organisation !== null && actorOrganisations.has(actor.organisation);
}
