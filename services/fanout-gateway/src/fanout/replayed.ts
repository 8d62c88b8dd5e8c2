import { intersectMasks } from '@tidewire/policy';
import { carriesImage } from '@tidewire/rights';
import type { ControlFormat } from '../delivery/delivery.ts';
import type { CloudEventSettings } from '../formats/cloud-event.ts';
import { judge, maskNow, viewBefore } from './judge.ts';
import type { Judgement, Judging } from './judge.ts';
import { EventShapes } from './shape.ts';
import type { EncodedFrame, FoldedObject, ObjectEntry } from './subscription.ts';
import type { ViewClass } from './view-class.ts';

/** For whom an object's past is told, and how. */
export interface PastReader {
  /** The reader's classes of the object's schema. */
  readonly viewClasses: Iterable<ViewClass>;
  readonly judging: Judging;
  readonly events: CloudEventSettings;
  readonly control: ControlFormat;
  /** See {@link Connection.knowsAhead}. */
  readonly knowsAhead: boolean;
}

/** The frames of an object's past. */
export function encodePast(object: FoldedObject, reader: PastReader): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  const shapes = new Map<ObjectEntry, EventShapes>();
  for (const viewClass of reader.viewClasses) {
    const lost = object.events.findLast(({ message }) => message.unencodable === true);
    if (lost !== undefined) {
      const { sequence } = lost;
      frames.push({ sequence, bytes: reader.control.resync(viewClass, 'unencodable', sequence) });
      continue;
    }
    for (const { entry, judgement } of judgePast(viewClass, object, reader)) {
      let known = shapes.get(entry);
      if (known === undefined) shapes.set(entry, (known = new EventShapes(entry, reader.events)));
      frames.push({ sequence: entry.sequence, bytes: known.encode(viewClass, judgement) });
    }
  }
  return frames;
}

/** A past event as it may be told now. */
interface ReplayedEvent {
  readonly entry: ObjectEntry;
  readonly judgement: Judgement;
}

/**
 * What may be told now about an object's past. Its images leave only while its newest one may be seen too, and only
 * with the properties that may be read on both: what became confidential since is not told from its past. Otherwise
 * just one departure is told, and only to who could see the object at the cursor: it is not there any more. It is the
 * first one: whoever stops between two and comes back from there has been told already. With the last one it would
 * come back from where the object was hidden, be told nothing, and keep the object for ever. Whoever may have been told of
 * events beyond its cursor is told of every departure, which says no more than that the object is not there.
 */
function judgePast(
  viewClass: ViewClass,
  object: FoldedObject,
  { judging, knowsAhead }: PastReader,
): ReplayedEvent[] {
  const newest = object.events.at(-1)?.message.after ?? null;
  const visible = newest === null ? undefined : maskNow(viewClass, newest, judging);
  const told: ReplayedEvent[] = [];
  for (const entry of object.events) {
    const judgement = judge(viewClass, entry.message, judging);
    if (judgement === undefined) continue;
    if (visible !== undefined) {
      const before = intersectMasks(judgement.before, visible);
      const after = intersectMasks(judgement.after, visible);
      const sortable = intersectMasks(judgement.sortable, visible);
      told.push({ entry, judgement: { ...judgement, before, after, sortable } });
    } else if (!carriesImage(judgement.transition)) {
      told.push({ entry, judgement });
    }
  }
  if (visible !== undefined || knowsAhead) return told;
  const [departed] = told;
  return departed !== undefined && wasSeenAtCursor(viewClass, object, judging) ? [departed] : [];
}

/** The first event's before image is the object as the client left it. */
function wasSeenAtCursor(viewClass: ViewClass, object: FoldedObject, judging: Judging): boolean {
  const view = viewBefore(viewClass, object.events[0]?.message.before ?? null, judging);
  return view === 'now' || view === 'once';
}
